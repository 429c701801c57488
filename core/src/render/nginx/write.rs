//! The one place that puts text into a configuration, and the only one that quotes.
//!
//! Inside double quotes, nginx's reader minds `"` and `\` alone; both get a backslash. Where nginx looks for
//! variables, a dollar is the variable `$sk_dollar`, which holds one. Keys of tables get a backslash in front, which
//! `map` takes away: so `include` and `default` are texts like any other.

use core::fmt::{self, Display, Formatter, Write};

use super::directive::{Arg, Body, Directive, Entry, Ident, Key, Part, Piece, Regex};

/// The variable that holds a dollar; `geo` defines it in every configuration.
pub(super) const DOLLAR: Ident = Ident::only("sk_dollar");

/// Writes directives as text that nginx reads.
///
/// # Errors
///
/// Those of `out`.
///
/// ```
/// use svckit::render::nginx::{Arg, Directive, Name, Text, write};
///
/// let path = Text::new(r#"/"; } evil {"#).unwrap();
/// let location = Directive::block(Name::Location, [Arg::Word("="), Arg::Text(path)], vec![]);
/// let mut text = String::new();
/// write(&[location], &mut text)?;
/// assert_eq!(text, "location = \"/\\\"; } evil {\" {\n}\n");
/// # Ok::<(), std::fmt::Error>(())
/// ```
pub fn write(directives: &[Directive], out: &mut impl Write) -> fmt::Result {
    block(directives, 0, out)
}

fn block(directives: &[Directive], depth: usize, out: &mut impl Write) -> fmt::Result {
    for directive in directives {
        indent(depth, out)?;
        out.write_str(directive.name.as_str())?;
        for arg in &directive.args {
            write!(out, " {arg}")?;
        }
        match &directive.body {
            Body::None => {
                out.write_str(";\n")?;
                continue;
            }
            Body::Block(inside) => {
                out.write_str(" {\n")?;
                block(inside, depth + 1, out)?;
            }
            Body::Table(entries) => {
                out.write_str(" {\n")?;
                for Entry { key, value } in entries {
                    indent(depth + 1, out)?;
                    writeln!(out, "{key} {value};")?;
                }
            }
        }
        indent(depth, out)?;
        out.write_str("}\n")?;
    }
    Ok(())
}

fn indent(depth: usize, out: &mut impl Write) -> fmt::Result {
    (0..depth).try_for_each(|_| out.write_str("  "))
}

/// Writes the inside of a quoted word.
fn escaped(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}

/// Writes a text that an expression shall take as it is, inside of a quoted word.
fn literal(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    for character in text.chars() {
        // A backslash for the expression, and one that keeps it through the reader.
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            f.write_str("\\\\")?;
        }
        if matches!(character, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(character)?;
    }
    Ok(())
}

impl Display for Ident {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) if self.stem.starts_with('_') => write!(f, "{number}{}", self.stem),
            Some(number) => write!(f, "{}_{number}", self.stem),
            None => f.write_str(self.stem),
        }
    }
}

impl Display for Regex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ignore_case { "\"~*^" } else { "\"~^" })?;
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(expression) => escaped(expression, f)?,
                Piece::Literal(text) => literal(text.as_str(), f)?,
                Piece::Number(number) => write!(f, "{number}")?,
            }
        }
        f.write_char('"')
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Rest => f.write_str("*"),
            Self::Empty => f.write_str("\"\""),
            Self::Text(text) => {
                f.write_str("\"\\\\")?;
                escaped(text.as_str(), f)?;
                f.write_char('"')
            }
            Self::Regex(regex) => regex.fmt(f),
            Self::Net(net) => write!(f, "{net}"),
            Self::Share(share) => write!(f, "{}.{:02}%", share / 100, share % 100),
            Self::Name(name, None) => name.fmt(f),
            Self::Name(name, Some(part)) => write!(f, "{name}/{part}"),
        }
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Name(name) => name.fmt(f),
            Self::Var(name) => write!(f, "${name}"),
            Self::Internal(name) => write!(f, "@{name}"),
            Self::Header(name) => write!(f, "$http_{}", name.as_str()),
            Self::IsSet(name) => write!(f, "(${name})"),
            Self::Text(text) => {
                f.write_char('"')?;
                escaped(text.as_str(), f)?;
                f.write_char('"')
            }
            Self::Parts(parts) => {
                f.write_char('"')?;
                parts.iter().try_for_each(|part| part.fmt(f))?;
                f.write_char('"')
            }
            Self::Regex(regex) => regex.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Setting(word, number, unit) => write!(f, "{word}={number}{unit}"),
            Self::NameSetting(word, name, None) => write!(f, "{word}={name}"),
            Self::NameSetting(word, name, Some(size)) => write!(f, "{word}={name}:{size}m"),
            Self::Millis(millis) => write!(f, "{millis}ms"),
            Self::Addr(addr) => addr.fmt(f),
            Self::Socket(path) => {
                f.write_str("\"unix:")?;
                escaped(path.as_str(), f)?;
                f.write_char('"')
            }
            Self::Joined(directory, rest) => {
                f.write_char('"')?;
                escaped(directory.as_str(), f)?;
                escaped(rest, f)?;
                f.write_char('"')
            }
            Self::File(directory, name) => {
                f.write_char('"')?;
                escaped(directory.as_str(), f)?;
                write!(f, "/{name}.pem\"")
            }
        }
    }
}

/// Inside of a quoted word.
impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(text) => escaped(text, f),
            Self::Text(text) => {
                let mut pieces = text.as_str().split('$');
                escaped(pieces.next().unwrap_or_default(), f)?;
                pieces.try_for_each(|piece| {
                    write!(f, "${{{DOLLAR}}}")?;
                    escaped(piece, f)
                })
            }
            Self::Var(name) => write!(f, "${{{name}}}"),
            Self::Name(name) => name.fmt(f),
        }
    }
}
