//! The labels of one namespace: which objects have them, and which selectors ask for them.
//!
//! ```text
//!   object ──▶ its links, one for each label ──▶ pair app=web ──▶ objects that have it, linked in the order they came
//!                                                      └────────▶ selectors kept under it
//! ```
//!
//! A selector is kept under the values of the positive term under which the fewest others are, or under that term's
//! key (`x`, `x>1`); without a positive term it is asked about every object. Objects and selectors are numbers here,
//! given by [`super::Numbered`]: what they are called and look like is the owner's to know. What is found without
//! doubt (the pair is all that the selector asks for) is said to be, so that nobody compares it again.

use hashbrown::{Equivalent, HashMap, hash_map};
use smallvec::SmallVec;
use std_alloc::{sync::Arc, vec::Vec};

use super::{
    Labels, Operator, Requirement, Selector,
    numbered::{NONE, Numbered},
};

/// Which objects have a label, and which selectors ask for it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pairs: Numbered<(Arc<str>, Arc<str>), Pair>,
    keys: HashMap<Arc<str>, Key, ahash::RandomState>,
    /// How many selectors are kept under a key: mostly none, and then no label's key is looked up.
    under_keys: usize,
    /// Selectors without a positive term.
    residual: Vec<u32>,
    /// Where each selector is kept.
    kept: Vec<Kept>,
    /// The first link of each object.
    objects: Vec<u32>,
    links: Vec<Link>,
    free: Vec<u32>,
    /// The labels of the object that came last, and their pairs: the next one is often its sister and has them too.
    last: (Labels, Vec<u32>),
}

/// A selector's number, and whether to be found here is all that it asks for.
type Asking = (u32, bool);

/// A key and a value.
#[derive(Clone, Debug)]
struct Pair {
    first: u32,
    last: u32,
    objects: usize,
    /// Mostly one.
    selectors: SmallVec<[Asking; 1]>,
    /// Its place among the key's values.
    at: usize,
}

/// A key, whatever the value.
#[derive(Clone, Debug, Default)]
struct Key {
    values: Vec<u32>,
    selectors: Vec<Asking>,
}

/// Where a selector is kept.
#[derive(Clone, Debug, Default)]
enum Kept {
    #[default]
    Nowhere,
    Residual,
    Key(Arc<str>),
    Pairs(SmallVec<[u32; 2]>),
}

/// One label of one object.
#[derive(Clone, Copy, Debug)]
struct Link {
    object: u32,
    pair: u32,
    next: u32,
    prev: u32,
    /// The object's next label.
    sibling: u32,
}

/// A label as a selector has it.
#[derive(Hash)]
struct Borrowed<'a>(&'a str, &'a str);

impl Equivalent<(Arc<str>, Arc<str>)> for Borrowed<'_> {
    fn equivalent(&self, (key, value): &(Arc<str>, Arc<str>)) -> bool {
        *self.1 == **value && *self.0 == **key
    }
}

impl Terms {
    pub(crate) fn new(hasher: ahash::RandomState) -> Self {
        Self {
            pairs: Numbered::new(hasher.clone()),
            keys: HashMap::with_hasher(hasher),
            under_keys: 0,
            residual: Vec::new(),
            kept: Vec::new(),
            objects: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            last: (Labels::default(), Vec::new()),
        }
    }

    /// Notes an object that is not in here. Costs a look for each label, or a comparison when the object before had
    /// the same, or nothing when both share their labels.
    pub(crate) fn insert_object(&mut self, object: u32, labels: &Labels) {
        if !self.last.0.is_same(labels) {
            self.look_up(labels);
        }
        let mut first = NONE;
        for at in 0..self.last.1.len() {
            let pair = self.last.1.get(at).copied().unwrap_or(NONE);
            first = self.link(object, pair, first);
        }
        set(&mut self.objects, object, NONE, first);
    }

    /// Finds the pairs of an object's labels, and keeps them for the next.
    fn look_up(&mut self, labels: &Labels) {
        let (_, mut last) = core::mem::take(&mut self.last);
        last.resize(labels.pairs().len(), NONE);
        for ((key, value), last) in labels.pairs().zip(&mut last) {
            let is_it = |pair: &(Arc<str>, Arc<str>)| Borrowed(key, value).equivalent(pair);
            if !self.pairs.key(*last).is_some_and(is_it) {
                *last = self.pair(key, value);
            }
        }
        self.last = (labels.clone(), last);
    }

    /// Forgets an object.
    pub(crate) fn remove_object(&mut self, object: u32) {
        let Some(first) = self.objects.get_mut(object as usize) else { return };
        let mut at = core::mem::replace(first, NONE);
        while let Some(link) = self.links.get(at as usize).copied() {
            if let Some(before) = self.links.get_mut(link.prev as usize) {
                before.next = link.next;
            }
            if let Some(after) = self.links.get_mut(link.next as usize) {
                after.prev = link.prev;
            }
            if let Some(pair) = self.pairs.get_mut(link.pair) {
                pair.objects -= 1;
                if pair.first == at {
                    pair.first = link.next;
                }
                if pair.last == at {
                    pair.last = link.prev;
                }
            }
            self.release(link.pair);
            self.free.push(at);
            at = link.sibling;
        }
    }

    /// Notes a selector, in place of what had its number.
    pub(crate) fn insert_selector(&mut self, number: u32, selector: &Selector) {
        self.remove_selector(number);
        let positive = selector.requirements().iter().filter(|r| is_positive(r.operator()));
        let rarest = positive.min_by_key(|requirement| self.crowd(requirement));
        let Some(rarest) = rarest else {
            self.residual.push(number);
            set(&mut self.kept, number, Kept::Nowhere, Kept::Residual);
            return;
        };
        let alone = selector.requirements().len() == 1;
        let kept = if is_listed(rarest.operator()) {
            let values = rarest.values().iter();
            let mut pairs: SmallVec<[u32; 2]> =
                values.map(|value| self.pair(rarest.key(), value)).collect();
            pairs.dedup();
            for pair in &pairs {
                if let Some(pair) = self.pairs.get_mut(*pair) {
                    pair.selectors.push((number, alone));
                }
            }
            Kept::Pairs(pairs)
        } else {
            let sure = alone && rarest.operator() == Operator::Exists;
            let key = self.keys.entry(rarest.key().clone()).or_default();
            key.selectors.push((number, sure));
            self.under_keys += 1;
            Kept::Key(rarest.key().clone())
        };
        set(&mut self.kept, number, Kept::Nowhere, kept);
    }

    /// Forgets a selector.
    pub(crate) fn remove_selector(&mut self, number: u32) {
        let Some(kept) = self.kept.get_mut(number as usize) else { return };
        match core::mem::take(kept) {
            Kept::Nowhere => {}
            Kept::Residual => self.residual.retain(|other| *other != number),
            Kept::Key(name) => {
                self.under_keys -= 1;
                if let hash_map::Entry::Occupied(mut key) = self.keys.entry(name) {
                    key.get_mut().selectors.retain(|(other, _)| *other != number);
                    if key.get().is_empty() {
                        key.remove();
                    }
                }
            }
            Kept::Pairs(pairs) => {
                for at in pairs {
                    if let Some(pair) = self.pairs.get_mut(at) {
                        pair.selectors.retain(|(other, _)| *other != number);
                    }
                    self.release(at);
                }
            }
        }
    }

    /// Tells each selector that may match an object, once, and whether it does for sure. Costs a step for each label
    /// and each selector told.
    pub(crate) fn selectors_of(&self, object: u32, mut tell: impl FnMut(u32, bool)) {
        self.residual.iter().for_each(|selector| tell(*selector, false));
        let mut at = self.objects.get(object as usize).copied().unwrap_or(NONE);
        while let Some(link) = self.links.get(at as usize) {
            if let Some(pair) = self.pairs.get(link.pair) {
                pair.selectors.iter().for_each(|(selector, sure)| tell(*selector, *sure));
            }
            if self.under_keys > 0
                && let Some((key, _)) = self.pairs.key(link.pair)
            {
                self.under_key(key, &mut tell);
            }
            at = link.sibling;
        }
    }

    /// The same for labels of an object that needn't be in here.
    pub(crate) fn selectors_for(&self, labels: &Labels, mut tell: impl FnMut(u32, bool)) {
        self.residual.iter().for_each(|selector| tell(*selector, false));
        for label in labels.pairs() {
            let pair = self.pairs.number(label).and_then(|pair| self.pairs.get(pair));
            let selectors = pair.into_iter().flat_map(|pair| &pair.selectors);
            selectors.for_each(|(selector, sure)| tell(*selector, *sure));
            if self.under_keys > 0 {
                self.under_key(&label.0, &mut tell);
            }
        }
    }

    /// Tells each object that may match, once, and whether it does for sure; `false` when the selector says nothing
    /// of what an object must have, so that all would have to be told. Costs a step for each object that has the
    /// rarest positive term.
    pub(crate) fn objects(&self, selector: &Selector, mut tell: impl FnMut(u32, bool)) -> bool {
        let counted = selector.requirements().iter().filter_map(|r| Some((self.count(r)?, r)));
        let Some((_, rarest)) = counted.min_by_key(|(count, _)| *count) else { return false };
        let alone = selector.requirements().len() == 1;
        let mut last = NONE;
        if is_listed(rarest.operator()) {
            for number in rarest.values().iter().filter_map(|v| self.known(rarest.key(), v)) {
                if number != last {
                    self.of_pair(number, |object| tell(object, alone));
                }
                last = number;
            }
        } else if let Some(key) = self.keys.get(rarest.key()) {
            let sure = alone && rarest.operator() == Operator::Exists;
            key.values.iter().for_each(|pair| self.of_pair(*pair, |object| tell(object, sure)));
        }
        true
    }

    fn under_key(&self, key: &Arc<str>, tell: &mut impl FnMut(u32, bool)) {
        let selectors = self.keys.get(key).into_iter().flat_map(|key| &key.selectors);
        selectors.for_each(|(selector, sure)| tell(*selector, *sure));
    }

    fn of_pair(&self, pair: u32, mut tell: impl FnMut(u32)) {
        let mut at = self.pairs.get(pair).map_or(NONE, |pair| pair.first);
        while let Some(link) = self.links.get(at as usize) {
            tell(link.object);
            at = link.next;
        }
    }

    /// How many objects a requirement leaves; `None` when it says only what they mustn't have.
    fn count(&self, requirement: &Requirement) -> Option<usize> {
        let of = |pair: u32| self.pairs.get(pair).map_or(0, |pair| pair.objects);
        let key = requirement.key();
        match requirement.operator() {
            Operator::Never => Some(0),
            operator if is_listed(operator) => {
                let values = requirement.values().iter();
                Some(values.filter_map(|value| self.known(key, value)).map(of).sum())
            }
            operator if is_positive(operator) => {
                let values = self.keys.get(key).map(|key| key.values.iter());
                Some(values.map_or(0, |values| values.copied().map(of).sum()))
            }
            _ => None,
        }
    }

    /// How many selectors there would be under a positive requirement, one more for each place.
    fn crowd(&self, requirement: &Requirement) -> usize {
        let key = requirement.key();
        if !is_listed(requirement.operator()) {
            return 1 + self.keys.get(key).map_or(0, |key| key.selectors.len());
        }
        let under = |value: &Arc<str>| {
            let pair = self.known(key, value).and_then(|pair| self.pairs.get(pair));
            1 + pair.map_or(0, |pair| pair.selectors.len())
        };
        requirement.values().iter().map(under).sum()
    }

    fn known(&self, key: &str, value: &str) -> Option<u32> {
        self.pairs.number(&Borrowed(key, value))
    }

    /// The number of a pair, which is new if need be.
    fn pair(&mut self, key: &Arc<str>, value: &Arc<str>) -> u32 {
        let new = || {
            let pair =
                Pair { first: NONE, last: NONE, objects: 0, selectors: SmallVec::new(), at: NEW };
            ((key.clone(), value.clone()), pair)
        };
        let number = self.pairs.number_or(&Borrowed(key, value), new);
        if let Some(pair) = self.pairs.get_mut(number)
            && pair.at == NEW
        {
            let values = &mut self.keys.entry(key.clone()).or_default().values;
            pair.at = values.len();
            values.push(number);
        }
        number
    }

    /// Puts an object at the end of a pair's, and says where; `sibling` is the object's link made before.
    fn link(&mut self, object: u32, pair: u32, sibling: u32) -> u32 {
        let fresh = || u32::try_from(self.links.len()).unwrap_or(NONE);
        let at = self.free.pop().unwrap_or_else(fresh);
        let Some(of) = self.pairs.get_mut(pair) else { return sibling };
        let link = Link { object, pair, next: NONE, prev: of.last, sibling };
        if let Some(last) = self.links.get_mut(of.last as usize) {
            last.next = at;
        } else {
            of.first = at;
        }
        of.last = at;
        of.objects += 1;
        match self.links.get_mut(at as usize) {
            Some(free) => *free = link,
            None => self.links.push(link),
        }
        at
    }

    /// Forgets a pair that nobody has or asks for.
    fn release(&mut self, number: u32) {
        let unused = |pair: &Pair| pair.objects == 0 && pair.selectors.is_empty();
        if !self.pairs.get(number).is_some_and(unused) {
            return;
        }
        let Some(((name, _), pair)) = self.pairs.remove(number) else { return };
        if self.last.1.contains(&number) {
            // The number may be another one's next.
            self.last = (Labels::default(), Vec::new());
        }
        let hash_map::Entry::Occupied(mut key) = self.keys.entry(name) else { return };
        let values = &mut key.get_mut().values;
        if pair.at < values.len() {
            values.swap_remove(pair.at);
        }
        if let Some(moved) = values.get(pair.at).and_then(|moved| self.pairs.get_mut(*moved)) {
            moved.at = pair.at;
        }
        if key.get().is_empty() {
            key.remove();
        }
    }
}

/// The place of a pair that is not among its key's values yet.
const NEW: usize = usize::MAX;

impl Key {
    const fn is_empty(&self) -> bool {
        self.values.is_empty() && self.selectors.is_empty()
    }
}

/// Sets a number's entry in a list that grows to have it, with `none` for those between.
fn set<T: Clone>(list: &mut Vec<T>, number: u32, none: T, value: T) {
    let at = number as usize;
    if let Some(entry) = list.get_mut(at) {
        *entry = value;
        return;
    }
    list.resize(at, none);
    list.push(value);
}

/// Whether the value must be one of those listed.
const fn is_listed(operator: Operator) -> bool {
    matches!(operator, Operator::In | Operator::Equals | Operator::DoubleEquals)
}

/// Whether an object must have the key.
const fn is_positive(operator: Operator) -> bool {
    is_listed(operator) || matches!(operator, Operator::Exists | Operator::Gt | Operator::Lt)
}
