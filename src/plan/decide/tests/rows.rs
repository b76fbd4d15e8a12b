//! Writes into relations with row conditions.

use super::*;

/// TRUNCATE empties what inherits from a relation, too.
#[test]
fn no_row_is_kept_from_truncate_by_its_parents_name() {
    let child = Oid(40000);
    let inherited = changed(|c| {
        let own = relation(child, "public", "child", RelationKind::Table, vec![column(1, "id", 23)]);
        c.relations.push(Relation { parents: vec![ACCOUNTS], ..own });
    });
    let mut truncate = reading(&[ACCOUNTS]);
    truncate.instances[0].access = Access::Truncate;
    let rows = || Some(RowCondition { sql: "true".into(), reads: BTreeSet::new() });
    for (delete, kept, refused) in [(true, None, None), (true, rows(), Some("rows")), (false, None, Some("delete"))] {
        let mut p = profile();
        p.relations.insert(ACCOUNTS, RelationProfile { delete: true, ..RelationProfile::default() });
        p.relations.insert(child, RelationProfile { delete, rows: kept, ..RelationProfile::default() });
        assert_eq!(judged_over(&inherited, &truncate, &p).map_err(|reject| reject.reason).err(), refused);
    }
}

/// What MERGE stores can be held against a row condition only where nothing else has a hand in it.
#[test]
fn merge_stores_only_what_it_says() {
    let mut merge = reading(&[ACCOUNTS]);
    merge.instances[0].access = Access::Merge;
    let mut p = profile();
    let rows = RowCondition { sql: "id = 1".into(), reads: [1].into() };
    p.relations.insert(ACCOUNTS, RelationProfile { rows: Some(rows), ..RelationProfile::default() });
    for (kind, runs_code, holds) in [
        (RelationKind::Table, false, true),
        (RelationKind::Partitioned, false, true),
        (RelationKind::View, false, false),
        (RelationKind::Foreign, false, false),
        (RelationKind::Table, true, false),
    ] {
        let other = changed(|c| {
            c.relations.iter_mut().filter(|r| r.oid == ACCOUNTS).for_each(|r| (r.kind, r.runs_code) = (kind, runs_code));
        });
        let refused = judged_over(&other, &merge, &p).map_err(|reject| reject.reason).err();
        assert_eq!(refused, (!holds).then_some("rows"), "{kind:?} {runs_code}");
    }
}
