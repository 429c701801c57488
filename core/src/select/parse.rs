//! Selectors from their text.

use core::{iter::Peekable, str::FromStr};
use std_alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{Operator, Requirement, Selector, Token, TokenKind, Tokens};
use crate::finding::Finding;

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// Something else should stand there.
    #[error("at byte {at}: found {found:?}, expected {expected}")]
    Unexpected {
        /// Where, in bytes.
        at: usize,
        /// What stands there; empty at the end of the text.
        found: String,
        /// What could.
        expected: &'static str,
    },
    /// A NUL byte, which Kubernetes' own reader takes for the end.
    #[error("at byte {at}: a selector can't have a NUL byte")]
    Nul {
        /// Where, in bytes.
        at: usize,
    },
    /// A key or value breaks its rules.
    #[error("at byte {at}: {}", first(.findings))]
    Requirement {
        /// Where the requirement starts, in bytes.
        at: usize,
        /// All that is wrong with it; at least one.
        findings: Vec<Finding>,
    },
}

fn first(findings: &[Finding]) -> String {
    findings.first().map(ToString::to_string).unwrap_or_default()
}

/// Strictly: the grammar of the module's page, and no NUL byte. The empty text matches everything.
impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        Parser { tokens: Tokens::new(text).peekable(), end: text.len() }.selector()
    }
}

impl Selector {
    /// Reads `text` as Kubernetes does, where a NUL byte ends it or vanishes.
    ///
    /// Only for comparing with a real API server: `"\0x=y"` selects everything.
    ///
    /// # Errors
    ///
    /// What else is wrong with the text.
    pub fn parse_compat(text: &str) -> Result<Self, SelectorError> {
        Parser { tokens: Tokens::compat(text).peekable(), end: text.len() }.selector()
    }
}

struct Parser<'a> {
    tokens: Peekable<Tokens<'a>>,
    end: usize,
}

impl<'a> Parser<'a> {
    fn selector(mut self) -> Result<Selector, SelectorError> {
        let mut requirements = Vec::new();
        if self.tokens.peek().is_some() {
            requirements.push(self.requirement()?);
            while let Some(token) = self.tokens.next() {
                if token.kind != TokenKind::Comma {
                    return Err(self.unexpected(Some(token), "',' or the end"));
                }
                requirements.push(self.requirement()?);
            }
        }
        Ok(Selector::new(requirements))
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        let at = self.tokens.peek().map_or(self.end, |token| token.at);
        let negated = self.tokens.next_if(|token| token.kind == TokenKind::DoesNotExist).is_some();
        let key = self.word("a key")?;
        let bare = self.tokens.peek().is_none_or(|token| token.kind == TokenKind::Comma);
        let (operator, values) = if negated {
            (Operator::DoesNotExist, Vec::new())
        } else if bare {
            (Operator::Exists, Vec::new())
        } else {
            self.condition()?
        };
        Requirement::new(key, operator, values)
            .map_err(|findings| SelectorError::Requirement { at, findings })
    }

    /// What follows a key: an operator and its values.
    fn condition(&mut self) -> Result<(Operator, Vec<&'a str>), SelectorError> {
        let token = self.tokens.next();
        let Some(operator) = token.and_then(|token| Operator::parse(token.text)) else {
            return Err(self.unexpected(token, "an operator: = == != in notin > <"));
        };
        let values = match operator {
            Operator::In | Operator::NotIn => self.list()?,
            _ => match self.tokens.peek().map(|token| token.kind) {
                None | Some(TokenKind::Comma) => Vec::from([""]),
                Some(_) => Vec::from([self.word("a value")?]),
            },
        };
        Ok((operator, values))
    }

    /// `(a,b)`; a place without a word is the empty value.
    fn list(&mut self) -> Result<Vec<&'a str>, SelectorError> {
        let open = self.tokens.next();
        if open.is_none_or(|token| token.kind != TokenKind::OpenPar) {
            return Err(self.unexpected(open, "'('"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.tokens.next_if(is_word).map_or("", |token| token.text));
            let next = self.tokens.next();
            match next.map(|token| token.kind) {
                Some(TokenKind::Comma) => {}
                Some(TokenKind::ClosedPar) => return Ok(values),
                _ => return Err(self.unexpected(next, "',' or ')'")),
            }
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, SelectorError> {
        match self.tokens.next() {
            Some(token) if is_word(&token) => Ok(token.text),
            other => Err(self.unexpected(other, expected)),
        }
    }

    fn unexpected(&self, token: Option<Token<'a>>, expected: &'static str) -> SelectorError {
        match token {
            Some(token) if token.kind == TokenKind::Nul => SelectorError::Nul { at: token.at },
            Some(token) => {
                SelectorError::Unexpected { at: token.at, found: token.text.into(), expected }
            }
            None => SelectorError::Unexpected { at: self.end, found: String::new(), expected },
        }
    }
}

/// Keywords are words where no operator can stand.
fn is_word(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Identifier | TokenKind::In | TokenKind::NotIn)
}
