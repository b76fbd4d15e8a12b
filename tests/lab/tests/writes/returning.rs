//! What RETURNING says of the rows before and after a write, which it can name since PostgreSQL 18.

use lab::wire::Client;

use super::{Outcome, lab, outcome, state};

/// Each of one row or more; the condition on `handle` is over the row that it stands in.
const BEFORE_AND_AFTER: &[&str] = &[
    "UPDATE public.people SET region = 'x' WHERE id < 4 RETURNING old.handle, new.handle, old.email || '!', old.region, new.region, handle",
    "UPDATE public.people SET region = 'x' WHERE id < 4 RETURNING WITH (OLD AS o, NEW AS n) o.handle || n.handle, n.phone || o.phone",
    "UPDATE public.people AS p SET region = 'x' WHERE id < 4 RETURNING old.*, (SELECT new.name || old.handle), p.id",
    "UPDATE public.people SET name = name WHERE id < 4 RETURNING old.name || new.name, old.salary + 1",
    "DELETE FROM public.people WHERE id = 3 RETURNING old.handle, new.handle, old.email || new.email, old.salary + 1",
    "UPDATE public.fenced SET amount = 5 WHERE id < 5 RETURNING old.secret || '', new.secret, old.amount, new.amount",
];

#[test]
fn the_rows_before_and_after_a_write_are_veiled() {
    let (lab, mut veil) = lab();
    if lab.version().unwrap() < 18 {
        return;
    }
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    for text in BEFORE_AND_AFTER {
        let wanted = outcome(&veil.query(&text.replace("public.", "veil.")).unwrap());
        state(&mut veil);
        for extended in [false, true] {
            let got = if extended { clerk.extended(text, 0) } else { clerk.query(text) };
            let got = outcome(&got.unwrap());
            state(&mut veil);
            assert!(matches!(&got, Outcome::Done(rows, _) if !rows.is_empty()), "{text}: {got:?}");
            assert_eq!(got, wanted, "{text}");
        }
    }
    assert!(lab.leaks().is_empty());
}
