//! Text for a terminal of eighty columns: widths as a terminal counts them (a Chinese character takes two), colour where it is wanted.
//! Not here: what is said.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns of a terminal that everybody has.
pub(super) const WIDTH: usize = 80;

/// How a piece of text looks, where colour is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Plain,
    Strong,
    Faint,
    /// A value as it stands in the database.
    Clear,
    /// A masked value.
    Mask,
    /// A refusal, and what is absent.
    Refused,
}

/// Whether colour is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    Colour,
    None,
}

impl Paint {
    pub(super) fn ink(self, ink: Ink, text: &str) -> String {
        let code = match (self, ink) {
            (Self::None, _) | (Self::Colour, Ink::Plain) => return text.to_owned(),
            (Self::Colour, Ink::Strong) => "1",
            (Self::Colour, Ink::Faint) => "2",
            (Self::Colour, Ink::Clear) => "32",
            (Self::Colour, Ink::Mask) => "33",
            (Self::Colour, Ink::Refused) => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// A text of exactly so many columns: padded, or cut with an ellipsis.
pub(super) fn cell(text: &str, columns: usize) -> String {
    let mut shown = String::new();
    if width(text) <= columns {
        shown.push_str(text);
    } else {
        let mut used = 0;
        for c in text.chars() {
            used += c.width().unwrap_or(0);
            if used >= columns {
                break;
            }
            shown.push(c);
        }
        shown.push('…');
    }
    let rest = columns.saturating_sub(width(&shown));
    shown + &" ".repeat(rest)
}

/// Widths for columns that would like `wanted` and have `room` together: the widest give way.
pub(super) fn share(mut wanted: Vec<usize>, room: usize) -> Vec<usize> {
    while wanted.iter().sum::<usize>() > room {
        match wanted.iter_mut().max() {
            Some(widest) if *widest > 1 => *widest -= 1,
            _ => break,
        }
    }
    wanted
}

/// A text in lines of at most [`WIDTH`] columns, the first after `first` and the others after `next`. Lines break at spaces, and
/// inside a word that is longer than a line.
pub(super) fn wrap(text: &str, first: &str, next: &str) -> Vec<String> {
    let (mut lines, mut line, mut empty) = (Vec::new(), first.to_owned(), true);
    for word in text.split(' ') {
        if !empty && width(&line) + 1 + width(word) > WIDTH {
            lines.push(std::mem::replace(&mut line, next.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        for c in word.chars() {
            if width(&line) + c.width().unwrap_or(0) > WIDTH {
                lines.push(std::mem::replace(&mut line, next.to_owned()));
            }
            line.push(c);
        }
        empty = false;
    }
    lines.push(line);
    lines
}

/// The line of `text` in which the character `position` (from 1) stands, and the columns before it.
pub(super) fn place(text: &str, position: usize) -> Option<(&str, usize)> {
    let at = text.char_indices().nth(position.checked_sub(1)?).map(|(at, _)| at)?;
    let (before, after) = text.split_at_checked(at)?;
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let end = after.find('\n').map_or(text.len(), |n| at + n);
    Some((text.get(start..end)?, width(before.get(start..)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_as_wide_as_it_should_be() {
        for (text, columns, want) in [
            ("abc", 5, "abc  "),
            ("abcdef", 5, "abcd…"),
            ("欧阳雨欣", 10, "欧阳雨欣  "),
            ("欧阳雨欣", 7, "欧阳雨…"),
            ("欧阳雨欣", 6, "欧阳… "),
            ("", 2, "  "),
        ] {
            assert_eq!(cell(text, columns), want);
            assert_eq!(width(&cell(text, columns)), columns);
        }
    }

    #[test]
    fn no_wrapped_line_is_wider_than_the_terminal_and_nothing_is_lost() {
        for text in ["one two ".repeat(40), "x".repeat(300), "欧阳".repeat(77), String::new()] {
            let lines = wrap(&text, "HINT:  ", "       ");
            assert!(lines.iter().all(|l| width(l) <= WIDTH), "{lines:#?}");
            let back: String = lines.iter().map(|l| &l[7..]).collect();
            assert_eq!(back.replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn the_widest_columns_give_way() {
        assert_eq!(share(vec![30, 10, 5], 30), [15, 10, 5]);
        assert_eq!(share(vec![3, 2], 30), [3, 2]);
    }

    #[test]
    fn a_place_is_found_in_its_line() {
        assert_eq!(place("SELECT a,\n  名 , b", 17), Some(("  名 , b", 7)));
        assert_eq!(place("SELECT a", 8), Some(("SELECT a", 7)));
        assert_eq!(place("SELECT a", 9), None);
        assert_eq!(place("SELECT a", 0), None);
    }
}
