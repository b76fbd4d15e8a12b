//! Values of settings.

/// Whether PostgreSQL reads a setting's value as true, in lower case (`parse_bool`).
#[must_use]
pub fn is_on(value: &str) -> bool {
    matches!(value, "on" | "true" | "yes" | "1" | "t" | "tr" | "tru" | "y" | "ye")
}
