//! Types and casts that run what does not come with PostgreSQL.

use super::*;
use crate::catalog::FIRST_NORMAL_OID;

/// A type of the database's own is made by its input function, which a role may be allowed.
#[test]
fn a_type_is_judged_by_what_makes_its_values() {
    let (own, input, cstring) = (Oid(30010), Oid(30020), Oid(2275));
    let typed = |inputs: &[Oid]| {
        changed(|c| {
            let types = TypeInfo { oid: own, foreign_code: true, ..c.types[0].clone() };
            let like = c.functions[0].clone();
            c.types.push(types);
            let made = |(returns, oid)| Function { oid, returns, arg_types: vec![cstring], ..like.clone() };
            c.functions.extend(inputs.iter().map(|oid| made((own, *oid))).chain([made((Oid(25), Oid(46)))]));
        })
    };
    let naming = Analysis { types: vec![(own, 1)], ..reading(&[ACCOUNTS]) };
    let mut p = profile();
    for (inputs, allowed, judged) in
        [(&[input][..], false, false), (&[input], true, true), (&[], true, false), (&[input, Oid(30021)], true, false)]
    {
        p.functions = allowed.then_some(input).into_iter().collect();
        assert_eq!(judged_over(&typed(inputs), &naming, &p).map(|d| d.decision.scrub).ok(), judged.then_some(true), "{inputs:?} {allowed}");
    }
}

/// Casts by functions that do not come with PostgreSQL count where a type that they are from or to may occur: `mood` is an own type, `feeling`
/// a domain over it, `moods` its array.
#[test]
fn a_cast_of_others_counts_where_its_types_occur() {
    let (mood, feeling, moods) = (Oid(30010), Oid(30011), Oid(30012));
    let over = |from: Oid, to: Oid| {
        changed(|c| {
            let own = |oid, base, element| TypeInfo { oid, name: QualifiedName::new("public", "own"), base, element, ..c.types[0].clone() };
            let own = [own(mood, None, Oid(0)), own(feeling, Some((mood, -1)), Oid(0)), own(moods, None, mood)];
            c.types.extend(own);
            c.relations.iter_mut().filter(|r| r.oid == ACCOUNTS).for_each(|r| r.columns[1].ty.oid = mood);
            c.casts = vec![(from, to, Oid(30000))];
        })
    };
    let text = Oid(25);
    let naming = |ty: Oid| Analysis { types: vec![(ty, 1)], ..reading(&[USERS]) };
    for (from, to, analysis, runs) in [
        (mood, text, naming(mood), true),
        (mood, text, naming(feeling), true),
        (mood, text, naming(moods), true),
        (text, mood, naming(feeling), true),
        (feeling, text, naming(mood), false),
        (mood, text, naming(text), false),
        (mood, text, using(&[ACCOUNTS], 2, UseKind::Filter), true),
        (mood, text, using(&[ACCOUNTS], 2, UseKind::Order), true),
        (mood, text, using(&[ACCOUNTS], 2, UseKind::Output), false),
        (mood, text, using(&[ACCOUNTS], 2, UseKind::NullTest), false),
        (mood, text, using(&[ACCOUNTS], 1, UseKind::Filter), false),
        (mood, text, reading(&[USERS]), false),
        (text, Oid(23), naming(text), true),
        (text, Oid(23), using(&[USERS], 1, UseKind::Filter), true),
        (
            text,
            Oid(23),
            Analysis { writes: vec![Write { target: source(0, 2), changes: Changes::New, new: New::Other, at: 2 }], ..inserting() },
            true,
        ),
        (text, Oid(23), reading(&[USERS]), false),
    ] {
        let reason = judged_over(&over(from, to), &analysis, &profile()).map_or_else(|r| r.message.contains("behind a cast"), |_| false);
        assert_eq!(reason, runs, "{from:?} to {to:?}: {analysis:?}");
    }
}

/// So do functions that sort and compare, of types that are computed with.
#[test]
fn what_compares_values_counts_where_their_types_occur() {
    let (mood, moods) = (Oid(30010), Oid(30012));
    let over = changed(|c| {
        let own = |oid, element| TypeInfo { oid, name: QualifiedName::new("public", "own"), element, ..c.types[0].clone() };
        let own = [own(mood, Oid(0)), own(moods, mood)];
        c.types.extend(own);
        c.relations.iter_mut().filter(|r| r.oid == ACCOUNTS).for_each(|r| r.columns[1].ty.oid = moods);
        c.support = vec![(mood, Oid(30000))];
    });
    let declaring = |oid| Analysis { declared: vec![oid], ..reading(&[USERS]) };
    for (analysis, runs) in [
        (using(&[ACCOUNTS], 2, UseKind::Order), true),
        (using(&[ACCOUNTS], 2, UseKind::Distinct), true),
        (using(&[ACCOUNTS], 2, UseKind::Output), false),
        (using(&[ACCOUNTS], 1, UseKind::Order), false),
        (declaring(mood), true),
        (declaring(Oid(25)), false),
    ] {
        let judged = judged_over(&over, &analysis, &profile());
        assert_eq!(judged.map_or_else(|r| r.message.contains("behind an operator class"), |_| false), runs, "{analysis:?}");
    }
    let allowed = Profile { functions: [Oid(30000)].into(), ..profile() };
    assert!(judged_over(&over, &using(&[ACCOUNTS], 2, UseKind::Order), &allowed).unwrap().decision.scrub);
}

/// What a definition calls may say anything, unless it came with PostgreSQL.
#[test]
fn what_a_definition_calls_is_not_passed_on() {
    for (oid, scrubs) in [(FIRST_NORMAL_OID, true), (Oid(FIRST_NORMAL_OID.0 - 1), false)] {
        let calling = changed(|c| c.relations.iter_mut().filter(|r| r.oid == ACCOUNTS).for_each(|r| r.calls = vec![oid]));
        assert_eq!(judged_over(&calling, &reading(&[ACCOUNTS]), &profile()).unwrap().decision.scrub, scrubs, "{oid:?}");
    }
}
