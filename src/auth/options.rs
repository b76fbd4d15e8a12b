//! The start-up parameter `options`: a command line for the backend, in which settings may hide. It is split as PostgreSQL does,
//! and anything but `-c name=value` and `--name=value` is left alone and called opaque.
//! Source: PostgreSQL 18, `pg_split_opts` and `process_postgres_switches` (`src/backend/utils/init/postinit.c`, `tcop/postgres.c`).

#[cfg(test)]
mod tests;

/// A setting that a client asks for at its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in lower case, with `_` for `-` where it came as an option.
    pub name: String,
    /// Its value as it came.
    pub value: String,
}

/// The options hold more than settings, or settings in a form that is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("options other than '-c name=value' and '--name=value'")]
pub struct Opaque;

/// Whether a setting is the proxy's own (`pgscrim.purpose`), which the server never sees.
#[must_use]
pub fn is_proxy_setting(name: &str) -> bool {
    name.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("pgscrim."))
}

/// Splits at white space; a backslash takes the next character as it is.
fn words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        match c {
            // The server's isspace() in the C locale.
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The settings that `options` holds, in order.
///
/// # Errors
/// [`Opaque`] where it holds anything else.
pub fn split_options(options: &str) -> Result<Vec<Setting>, Opaque> {
    let mut settings = Vec::new();
    let mut words = words(options).into_iter();
    while let Some(word) = words.next() {
        let assignment = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") if word == "-c" => words.next().ok_or(Opaque)?,
            Some("") | None => return Err(Opaque),
            Some(rest) => rest.to_owned(),
        };
        let (name, value) = assignment.split_once('=').ok_or(Opaque)?;
        settings.push(Setting { name: name.replace('-', "_").to_ascii_lowercase(), value: value.to_owned() });
    }
    Ok(settings)
}

/// Writes settings as `options` again.
#[must_use]
pub fn render_options<'a>(settings: impl IntoIterator<Item = &'a Setting>) -> String {
    let mut out = String::new();
    for Setting { name, value } in settings {
        out.push_str(if out.is_empty() { "-c " } else { " -c " });
        for c in name.chars().chain(std::iter::once('=')).chain(value.chars()) {
            if c == '\\' || c.is_ascii_whitespace() || c == '\x0b' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// `options` as the server may see them; as they are where nothing in them is the proxy's, or they are opaque.
pub(super) fn without_proxy_settings(options: &str) -> String {
    match split_options(options) {
        Ok(settings) if settings.iter().any(|s| is_proxy_setting(&s.name)) => {
            render_options(settings.iter().filter(|s| !is_proxy_setting(&s.name)))
        }
        Ok(_) | Err(Opaque) => options.to_owned(),
    }
}
