//! A reader of nginx's configuration language, written from its description and for nothing else.
//!
//! Words end at blanks, `;`, `{` and `}`; `#` between words starts a comment; a word that starts with a quote ends with
//! it, and then comes a blank, `;`, `{` or `)`. A backslash takes the meaning from quotes and itself, `\t`, `\r` and `\n`
//! are what they are in C, and before anything else it stands for itself. In a bare word, `${` lets braces be.

/// A directive: its words, and what stands in its braces.
#[derive(Debug, PartialEq)]
pub(super) struct Node {
    pub(super) words: Vec<String>,
    pub(super) block: Option<Vec<Self>>,
}

/// Reads a whole configuration.
pub(super) fn read(text: &str) -> Result<Vec<Node>, String> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0 };
    let nodes = reader.block(0)?;
    if reader.at == reader.rest.len() { Ok(nodes) } else { Err("a brace too many".into()) }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.get(self.at).copied();
        self.at += usize::from(character.is_some());
        character
    }

    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    /// Directives up to the end, or to the brace that closes the block.
    fn block(&mut self, depth: usize) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        let mut words: Vec<String> = Vec::new();
        loop {
            match self.next() {
                None if depth == 0 && words.is_empty() => return Ok(nodes),
                None => return Err("the end came early".into()),
                Some(' ' | '\t' | '\r' | '\n') => {}
                Some('#') => while !matches!(self.next(), None | Some('\n')) {},
                Some(';') if words.is_empty() => return Err("a semicolon by itself".into()),
                Some(';') => nodes.push(Node { words: std::mem::take(&mut words), block: None }),
                Some('{') if words.is_empty() => return Err("a brace by itself".into()),
                Some('{') => {
                    let words = std::mem::take(&mut words);
                    let block = Some(self.block(depth + 1)?);
                    nodes.push(Node { words, block });
                }
                Some('}') if depth > 0 && words.is_empty() => return Ok(nodes),
                Some('}') => return Err("a brace closes nothing".into()),
                Some(quote @ ('"' | '\'')) => words.push(self.quoted(quote)?),
                Some(first) => words.push(self.bare(first)),
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut word = String::new();
        loop {
            match self.next().ok_or("a quote is open")? {
                '\\' => self.escape(&mut word),
                end if end == quote => break,
                other => word.push(other),
            }
        }
        match self.peek() {
            Some(' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') => Ok(word),
            other => Err(format!("{other:?} after a quote")),
        }
    }

    fn bare(&mut self, first: char) -> String {
        let mut word = String::new();
        let mut character = first;
        loop {
            match character {
                '\\' => self.escape(&mut word),
                '$' if self.peek() == Some('{') => {
                    word.push('$');
                    word.extend(self.next());
                }
                other => word.push(other),
            }
            match self.peek() {
                None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{') => return word,
                Some(other) => {
                    self.at += 1;
                    character = other;
                }
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, word: &mut String) {
        match self.peek() {
            Some(quoted @ ('"' | '\'' | '\\')) => word.push(quoted),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            _ => {
                word.push('\\');
                return;
            }
        }
        self.at += 1;
    }
}
