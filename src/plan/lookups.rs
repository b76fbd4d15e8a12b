//! How many values a statement compares with columns that a rule lets it look up (`reveal: [lookup]`): those of its text are counted when
//! it is judged, the elements of an array that is a parameter at Bind. Not here: how an array is written.

use crate::sql::Reject;

/// The most that one statement may compare (semantics.md, `lookup`).
const LIMIT: u64 = 100;

/// What a statement compares with looked-up columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lookups {
    in_text: u64,
    /// Numbers of the parameters that are arrays, each as often as it is compared.
    arrays: Vec<i32>,
}

impl Lookups {
    /// Values that stand in the text, or parameters that are one value each.
    pub(super) fn values(&mut self, n: u32) -> Result<(), Reject> {
        self.in_text += u64::from(n);
        if self.in_text > LIMIT { Err(excess()) } else { Ok(()) }
    }

    /// An array whose elements come with Bind.
    pub(super) fn array(&mut self, parameter: i32) {
        self.arrays.push(parameter);
    }

    /// Whether some of it is known at Bind only.
    pub(super) fn wait_for_bind(&self) -> bool {
        !self.arrays.is_empty()
    }

    /// What is wrong with parameters of these lengths, the first one at index 0; one that is missing the server refuses.
    pub(super) fn check(&self, lengths: &[u64]) -> Result<(), Reject> {
        let length = |n: &i32| usize::try_from(*n).ok().and_then(|n| lengths.get(n.checked_sub(1)?)).copied().unwrap_or(0);
        let all = self.arrays.iter().map(length).fold(self.in_text, u64::saturating_add);
        if all > LIMIT { Err(excess()) } else { Ok(()) }
    }
}

fn excess() -> Reject {
    Reject::limit("lookups", format!("more than {LIMIT} values are compared with looked-up columns in one statement"))
}
