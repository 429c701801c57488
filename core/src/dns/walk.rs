//! A client's search list, walked by the server: one question instead of one for each domain.
//!
//! ```text
//! asked   api.example.com.shop.svc.cluster.local       search   shop.svc.cluster.local  svc.cluster.local  …  .
//! tried   api.example.com.shop.svc.cluster.local  ✗
//!         api.example.com.svc.cluster.local       ✗  …
//!         api.example.com                         ✓    asked CNAME api.example.com, and its records
//! ```
//!
//! Nothing is asked in here: a [`Walk`] says which name is next, and is told what came.

use std_alloc::vec::Vec;

use super::{Data, Message, Name, Rcode, Record};

/// A walk along a search list.
///
/// ```
/// use svckit::dns::{Name, Walk};
///
/// let search = ["shop.svc.cluster.local".parse()?, "cluster.local".parse()?, Name::root()];
/// let walk = Walk::new(&"cart.shop.svc.cluster.local".parse()?, &search).ok_or("not below the first")?;
/// assert_eq!(walk.tries().len(), 3);
/// assert_eq!(walk.tries()[2], "cart".parse()?);
/// assert!(Walk::new(&"example.com".parse()?, &search).is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    asked: Name,
    tries: Vec<Name>,
    at: usize,
    first: Option<Option<Message>>,
}

/// How a walk ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walked {
    /// A name exists: what was said of it, with an alias from the name that was asked.
    Found(Message),
    /// None does: what was said of the first one, if anything was.
    Nothing(Option<Message>),
}

impl Walk {
    /// The walk of a question whose name stands below the first domain of a search list; `None` when it doesn't,
    /// because then it isn't what a client made of that list. The root stands for the name as the user wrote it.
    #[must_use]
    pub fn new(asked: &Name, search: &[Name]) -> Option<Self> {
        let base = asked.below(search.first()?)?;
        Some(Self::of(asked, &base, search))
    }

    /// The walk of `base` along a whole list, on behalf of `asked`.
    pub(super) fn of(asked: &Name, base: &Name, search: &[Name]) -> Self {
        let mut tries: Vec<Name> = Vec::with_capacity(search.len());
        for name in search.iter().filter_map(|domain| base.join(domain).ok()) {
            if !tries.contains(&name) {
                tries.push(name);
            }
        }
        Self { asked: asked.clone(), tries, at: 0, first: None }
    }

    /// All names that may be tried, in order.
    #[must_use]
    pub fn tries(&self) -> &[Name] {
        &self.tries
    }

    /// The name that is to be asked now.
    #[must_use]
    pub fn next(&self) -> Option<&Name> {
        self.tries.get(self.at)
    }

    /// Takes what was said of the [`next`](Self::next) name; `None` when nothing was. Returns how the walk ended,
    /// if it did: at the first name that isn't denied, or after the last one.
    pub fn take(&mut self, said: Option<Message>) -> Option<Walked> {
        let found = match said {
            Some(mut message) if message.rcode != Rcode::NXDOMAIN => {
                self.lead_to(&mut message);
                return Some(Walked::Found(message));
            }
            denied => denied,
        };
        self.first.get_or_insert(found);
        self.at += 1;
        match self.next() {
            Some(_) => None,
            None => Some(Walked::Nothing(self.first.take().flatten())),
        }
    }

    /// Puts an alias from the name that was asked before the records of another.
    fn lead_to(&self, message: &mut Message) {
        let Some(first) = message.answer.first().filter(|first| first.owner != self.asked) else {
            return;
        };
        let data = Data::Cname(first.owner.clone());
        let alias = Record { owner: self.asked.clone(), ttl: first.ttl, data };
        message.answer.insert(0, alias);
    }
}
