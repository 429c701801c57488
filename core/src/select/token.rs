//! The words and signs of a selector's text.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A key or value.
    Identifier,
    /// `in`; a word like any other where no operator can stand.
    In,
    /// `notin`; likewise.
    NotIn,
    /// `,`
    Comma,
    /// `(`
    OpenPar,
    /// `)`
    ClosedPar,
    /// `=`
    Equals,
    /// `==`
    DoubleEquals,
    /// `!=`
    NotEquals,
    /// `>`
    GreaterThan,
    /// `<`
    LessThan,
    /// `!`
    DoesNotExist,
    /// A NUL byte, which no selector may have.
    Nul,
}

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// How it is written.
    pub text: &'a str,
    /// Where it starts, in bytes.
    pub at: usize,
}

/// The tokens of a selector's text. Each call looks at its token's bytes once.
///
/// White space is blank, tab, CR and LF; `= ! ( ) , > <` end a word, and every other character belongs to one.
///
/// ```
/// use svckit::select::{TokenKind, Tokens};
///
/// let kinds: Vec<_> = Tokens::new("a !=b").map(|token| token.kind).collect();
/// assert_eq!(kinds, [TokenKind::Identifier, TokenKind::NotEquals, TokenKind::Identifier]);
/// ```
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    nul_ends: bool,
}

impl<'a> Tokens<'a> {
    /// The tokens of `text`; a NUL byte is one of its own.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text, at: 0, nul_ends: false }
    }

    /// The tokens as Kubernetes finds them: a NUL byte right after a token vanishes, any other ends the text.
    #[must_use]
    pub const fn compat(text: &'a str) -> Self {
        Self { text, at: 0, nul_ends: true }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at.saturating_add(ahead)).copied()
    }

    /// How long the token here is, and what it is.
    fn here(&self) -> Option<(usize, TokenKind)> {
        Some(match (self.byte(0)?, self.byte(1)) {
            (0, _) => (1, TokenKind::Nul),
            (b',', _) => (1, TokenKind::Comma),
            (b'(', _) => (1, TokenKind::OpenPar),
            (b')', _) => (1, TokenKind::ClosedPar),
            (b'>', _) => (1, TokenKind::GreaterThan),
            (b'<', _) => (1, TokenKind::LessThan),
            (b'=', Some(b'=')) => (2, TokenKind::DoubleEquals),
            (b'=', _) => (1, TokenKind::Equals),
            (b'!', Some(b'=')) => (2, TokenKind::NotEquals),
            (b'!', _) => (1, TokenKind::DoesNotExist),
            _ => {
                let rest = self.text.as_bytes().get(self.at..)?;
                let length = rest.iter().position(|b| ends_word(*b)).unwrap_or(rest.len());
                (length, TokenKind::Identifier)
            }
        })
    }
}

/// Whether a byte can't be part of a word.
fn ends_word(byte: u8) -> bool {
    byte == 0 || is_space(byte) || b"=!(),><".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    b" \t\r\n".contains(&byte)
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while self.byte(0).is_some_and(is_space) {
            self.at += 1;
        }
        let (length, kind) = self.here()?;
        if kind == TokenKind::Nul && self.nul_ends {
            self.at = self.text.len();
            return None;
        }
        let at = self.at;
        self.at += length;
        let text = self.text.get(at..self.at)?;
        if self.nul_ends && self.byte(0) == Some(0) {
            self.at += 1;
        }
        let kind = match text {
            "in" => TokenKind::In,
            "notin" => TokenKind::NotIn,
            _ => kind,
        };
        Some(Token { kind, text, at })
    }
}
