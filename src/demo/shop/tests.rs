use super::*;

#[test]
fn a_seed_gives_one_shop_and_another_seed_another() {
    assert_eq!(rows(7, 40), rows(7, 40));
    assert_ne!(rows(7, 40), rows(8, 40));
}

#[test]
fn every_line_has_as_many_cells_as_its_copy_has_columns() {
    for table in rows(SEED, 300) {
        let columns = table.copy.matches(',').count() + 1;
        assert!(table.count > 100, "{}", table.copy);
        for line in table.text.lines() {
            assert_eq!(line.split('\t').count(), columns, "{line}");
        }
    }
}

#[test]
fn no_id_number_and_no_card_could_be_somebodys() {
    let all = rows(SEED, 300);
    for line in all[0].text.lines() {
        let id = line.split('\t').nth(2).unwrap();
        assert!(id.starts_with("QQ ") || !id_holds(id), "{id}");
    }
    for line in all[4].text.lines() {
        let card = line.split('\t').nth(4).unwrap();
        assert!(card == r"\N" || !luhn_holds(card), "{card}");
    }
}

fn id_holds(id: &str) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = id.chars().zip(weights).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
    id.chars().nth(17) == "10X98765432".chars().nth((sum % 11) as usize)
}

fn luhn_holds(card: &str) -> bool {
    let digits: Vec<u32> = card.chars().filter_map(|c| c.to_digit(10)).collect();
    let odd: u32 = digits.iter().rev().step_by(2).sum();
    let even: u32 = digits.iter().rev().skip(1).step_by(2).map(|d| d * 2 / 10 + d * 2 % 10).sum();
    (odd + even).is_multiple_of(10)
}
