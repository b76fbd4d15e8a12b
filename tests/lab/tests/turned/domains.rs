//! Masks that are cast to domains.

use super::*;

/// A cast to a domain goes on being looked at: what it refuses fails, and all else finds what it finds where masks are stored.
#[test]
fn a_mask_that_is_cast_to_a_domain_finds_what_it_finds_where_masks_are_stored() {
    let mut fixture = Fixture::start();
    let mut analyst = fixture.analyst();
    let (mut found, mut failed, mut wrong) = (0, 0, Vec::new());
    for n in 0..12 {
        for form in [
            "SELECT code, name FROM person WHERE code = '{code}'::public.code",
            "SELECT nr, name FROM person WHERE nr = ({nr})::public.code",
            "SELECT count(*) FROM person WHERE nr <> '{nr}'::public.code AND name <> 'n1'",
            "SELECT nr FROM person WHERE nr IN ('{nr}'::public.code, {nr2})",
            "SELECT nr FROM person WHERE nr = ANY (ARRAY['{nr}'::public.code])",
            "SELECT id FROM person WHERE card = '{card}'::public.title",
        ] {
            let text = fixture.filled(form, n);
            let want = answer(&fixture.veil.query(&text).unwrap()).map_err(|e| e[..5].to_owned());
            for extended in [false, true] {
                let heard = if extended { analyst.extended(&text, 0) } else { analyst.query(&text) }.unwrap();
                let got = answer(&heard).map_err(|e| e[..5].to_owned());
                if got != want {
                    wrong.push(format!("extended: {extended}: {text}: {got:?}, and not {want:?}"));
                }
            }
            found += usize::from(want.as_ref().is_ok_and(|rows| !rows.is_empty()));
            failed += usize::from(want == Err("23514".to_owned()));
        }
        let p = fixture.persons[n].clone();
        let null = Given { ty: 0, format: 0, value: None };
        for (sql, given) in [
            ("SELECT nr FROM person WHERE nr = $1::public.code", text(0, &p.nr)),
            ("SELECT nr FROM person WHERE nr = $1::public.code", binary(23, &int(&p.nr))),
            ("SELECT nr FROM person WHERE nr = $1::public.code AND $1 > 0", text(0, &p.nr)),
            ("SELECT count(*) FROM person WHERE nr IS DISTINCT FROM $1::public.code", null),
        ] {
            wrong.extend(compare(&mut analyst, &mut fixture.veil, sql, &[given]).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found > 10 && failed > 10, "{found}, {failed}");
    // a domain of another family, and one that cuts
    for text in ["SELECT 1 FROM person WHERE card = '1'::public.code", "SELECT 1 FROM person WHERE card = 'x12345678'::public.short"] {
        assert_eq!(code(&analyst.query(text).unwrap()), "0A000", "{text}");
    }
}
