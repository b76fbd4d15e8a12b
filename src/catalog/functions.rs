//! The shipped classification of the functions that come with PostgreSQL 14 to 18: `policies/functions.txt`, read once. Functions
//! from elsewhere are a matter of the policy, and whether a call is allowed is the planner's; here is only what a function does.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a function from `pg_catalog` or `information_schema` does, where that matters to who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FunctionClass {
    /// Acts on its arguments alone, or tells what everybody may know.
    Usable,
    /// `current_setting`: reads a parameter that a text names.
    ReadsSetting,
    /// `set_config`: changes a parameter, so the proxy has to follow it.
    SetsSetting,
    /// Reads or moves the sequence that its argument names (`lastval`: the one used last).
    Sequence,
    /// Reads tables, cursors or the change stream by name.
    DataByName,
    /// Runs SQL, or the input function of a type, that a text names.
    SqlText,
    /// Reads files of the server.
    Files,
    /// Reads or writes large objects.
    LargeObjects,
    /// Shows sessions and statements, one's own as the proxy sent them among others.
    Sessions,
    /// Opens stored column statistics.
    Statistics,
    /// Signals processes of the server.
    Signals,
    /// Changes the server's state.
    State,
    /// For the server itself.
    Internal,
}

impl FunctionClass {
    /// Every class.
    pub const ALL: [Self; 13] = [
        Self::Usable,
        Self::ReadsSetting,
        Self::SetsSetting,
        Self::Sequence,
        Self::DataByName,
        Self::SqlText,
        Self::Files,
        Self::LargeObjects,
        Self::Sessions,
        Self::Statistics,
        Self::Signals,
        Self::State,
        Self::Internal,
    ];

    /// The name that opens its list in the data file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::ReadsSetting => "reads-setting",
            Self::SetsSetting => "sets-setting",
            Self::Sequence => "sequence",
            Self::DataByName => "data-by-name",
            Self::SqlText => "sql-text",
            Self::Files => "files",
            Self::LargeObjects => "large-objects",
            Self::Sessions => "sessions",
            Self::Statistics => "statistics",
            Self::Signals => "signals",
            Self::State => "state",
            Self::Internal => "internal",
        }
    }

    /// What it does, to complete "function 'f' …" in an error for a client.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Usable => "acts on its arguments alone",
            Self::ReadsSetting => "reads a setting by name",
            Self::SetsSetting => "changes a setting",
            Self::Sequence => "reads or moves a sequence by name",
            Self::DataByName => "reads data by name",
            Self::SqlText => "runs code that a text names",
            Self::Files => "reads files of the server",
            Self::LargeObjects => "works on large objects",
            Self::Sessions => "shows sessions or statements",
            Self::Statistics => "shows statistics of columns, or of rows that were looked at",
            Self::Signals => "signals server processes",
            Self::State => "changes the state of the server",
            Self::Internal => "is for the server itself",
        }
    }

    /// Whether any governed principal may call it, whatever its arguments are.
    #[must_use]
    pub fn is_usable(self) -> bool {
        self == Self::Usable
    }
}

/// The class of a function that came with PostgreSQL (its OID is below [`super::FIRST_NORMAL_OID`]), whatever its arguments
/// are: the worst where overloads differ. `None` is a function that the shipped list does not know: refused.
#[must_use]
pub fn class_of(name: &str) -> Option<FunctionClass> {
    CLASSES.get(name).and_then(|overloads| overloads.iter().map(|(_, class)| *class).max())
}

/// Whether a word in a text is none of the names of PostgreSQL's functions that do more than act on their arguments, or read a setting.
#[must_use]
pub fn is_plain_word(word: &str) -> bool {
    matches!(class_of(word), None | Some(FunctionClass::Usable | FunctionClass::ReadsSetting))
}

/// The class of a call with this many arguments.
#[must_use]
pub fn class_of_call(name: &str, args: usize) -> Option<FunctionClass> {
    let overloads = CLASSES.get(name)?;
    let exact = overloads.iter().find(|(n, _)| *n == Some(args));
    exact.or_else(|| overloads.iter().find(|(n, _)| n.is_none())).map(|(_, class)| *class)
}

/// Every name in the list, with the number of arguments where the entry is for that alone, and its class; in no order.
pub fn classified_functions() -> impl Iterator<Item = (&'static str, Option<usize>, FunctionClass)> {
    CLASSES.iter().flat_map(|(name, overloads)| overloads.iter().map(|(args, class)| (*name, *args, *class)))
}

/// A name's entries: for a number of arguments, or for all.
type Overloads = Vec<(Option<usize>, FunctionClass)>;

static CLASSES: LazyLock<HashMap<&'static str, Overloads>> = LazyLock::new(|| read(include_str!("../../policies/functions.txt")));

/// Reads the data file. What it cannot make sense of it leaves out, so that it is refused; a test says that nothing is.
fn read(text: &'static str) -> HashMap<&'static str, Overloads> {
    let mut classes: HashMap<&'static str, Overloads> = HashMap::new();
    let mut class = None;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(name) = line.strip_suffix(':') {
            class = FunctionClass::ALL.into_iter().find(|c| c.name() == name);
            continue;
        }
        for (word, class) in line.split_whitespace().filter_map(|w| class.map(|c| (w, c))) {
            match word.split_once('/') {
                None => classes.entry(word).or_default().push((None, class)),
                Some((name, args)) => match args.parse() {
                    Ok(args) => classes.entry(name).or_default().push((Some(args), class)),
                    // As if it had no number: an entry that cannot be read must not make a function usable.
                    Err(_) => classes.entry(name).or_default().push((None, FunctionClass::Internal)),
                },
            }
        }
    }
    classes
}

#[cfg(test)]
mod tests;
