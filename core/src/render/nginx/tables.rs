//! Tables that locations ask: each is written once, however many ask it.

use core::fmt::Write;
use hashbrown::HashMap;
use std_alloc::{string::String, vec::Vec};

use super::directive::{Arg, Directive, Entry, Ident, Name, Part};

/// All tables of a configuration.
#[derive(Debug)]
pub(super) struct Tables {
    written: Vec<Directive>,
    /// By what they say; the variable they set.
    known: HashMap<String, Ident, ahash::RandomState>,
}

impl Tables {
    pub(super) fn new(hasher: ahash::RandomState) -> Self {
        Self { written: Vec::new(), known: HashMap::with_hasher(hasher) }
    }

    /// The variable that a table sets; `stem` is for people who read the file.
    pub(super) fn variable(
        &mut self,
        stem: &'static str,
        name: Name,
        source: Arg,
        entries: Vec<Entry>,
    ) -> Ident {
        let mut text = String::new();
        // A String takes any text.
        let _ = write!(text, "{stem} {} {source}", name.as_str());
        for Entry { key, value } in &entries {
            let _ = write!(text, "\n{key} {value}");
        }
        let number = self.written.len() as u32;
        let ident = *self.known.entry(text).or_insert(Ident::of(stem, number));
        if ident.number == Some(number) {
            // `geo` looks at the client's address by itself.
            let source = (name != Name::Geo).then_some(source);
            let args: Vec<_> = source.into_iter().chain([Arg::Var(ident)]).collect();
            self.written.push(Directive::table(name, args, entries));
        }
        ident
    }

    /// A place in memory that workers share, in which clients are counted by their address and the host that they ask.
    pub(super) fn zone(&mut self, name: Name, stem: &'static str, rate: Option<Arg>) -> Ident {
        let mut text = String::new();
        // A String takes any text.
        let _ = write!(text, "{} {stem}", name.as_str());
        let _ = rate.iter().try_for_each(|rate| write!(text, " {rate}"));
        let number = self.written.len() as u32;
        let ident = *self.known.entry(text).or_insert(Ident::of(stem, number));
        if ident.number == Some(number) {
            let var = |stem| Part::Var(Ident::only(stem));
            let who = Arg::Parts([var("binary_remote_addr"), var("host")].into());
            let zone = Arg::NameSetting("zone", ident, Some(2));
            let args: Vec<_> = [who, zone].into_iter().chain(rate).collect();
            self.written.push(Directive::line(name, args));
        }
        ident
    }

    pub(super) fn into_directives(self) -> Vec<Directive> {
        self.written
    }
}
