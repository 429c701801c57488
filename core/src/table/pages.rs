//! An array in pages that copies share.

use std_alloc::{sync::Arc, vec::Vec};

/// Pages per branch.
const FAN: usize = 64;

type Page<T, const N: usize> = Arc<Sheet<T, N>>;
type Branch<T, const N: usize> = Arc<[Page<T, N>; FAN]>;

/// The items of a page, from the beginning of a cache line on.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Sheet<T, const N: usize>([T; N]);

/// An endless array of defaults, of which pages of `N` exist once something was written near.
///
/// A clone costs one count; a write after it copies one page, one branch of [`FAN`] pointers and the list of
/// branches. Two levels, because counting up the references of all pages of a large array would cost more than
/// copying the page. An array of up to [`FAN`] pages has no list: whoever reads it waits for one pointer less.
#[derive(Clone, Debug)]
pub(super) struct Paged<T, const N: usize> {
    /// All pages, unless there is a list.
    only: Branch<T, N>,
    /// Empty, or all branches.
    branches: Arc<[Branch<T, N>]>,
    blank: Page<T, N>,
}

impl<T: Clone + Default, const N: usize> Paged<T, N> {
    pub(super) fn new() -> Self {
        let blank = Arc::new(Sheet(core::array::from_fn(|_| T::default())));
        Self { only: Self::fresh(&blank), branches: Arc::new([]), blank }
    }

    fn fresh(blank: &Page<T, N>) -> Branch<T, N> {
        Arc::new(core::array::from_fn(|_| blank.clone()))
    }

    /// One page; `None` beyond what was ever written.
    #[inline]
    pub(super) fn page(&self, page: usize) -> Option<&[T; N]> {
        if self.branches.is_empty() {
            return self.only.get(page).map(|page| &page.0);
        }
        self.branches.get(page / FAN)?.get(page % FAN).map(|page| &page.0)
    }

    /// One item; `None` beyond what was ever written.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.page(at / N)?.get(at % N)
    }

    /// One page for writing; not shared with clones any more.
    pub(super) fn page_mut(&mut self, page: usize) -> Option<&mut [T; N]> {
        if page < FAN && self.branches.is_empty() {
            return Self::writable(&mut self.only, page);
        }
        if page / FAN >= self.branches.len() {
            // Only once does the list begin with what was all there is.
            let first = self.branches.is_empty().then(|| self.only.clone());
            let all = first.into_iter().chain(self.branches.iter().cloned());
            let fresh = core::iter::repeat_with(|| Self::fresh(&self.blank));
            self.branches = all.chain(fresh).take(page / FAN + 1).collect::<Vec<_>>().into();
            self.only = Self::fresh(&self.blank);
        }
        Self::writable(Arc::make_mut(&mut self.branches).get_mut(page / FAN)?, page % FAN)
    }

    fn writable(branch: &mut Branch<T, N>, page: usize) -> Option<&mut [T; N]> {
        Arc::make_mut(branch).get_mut(page).map(|page| &mut Arc::make_mut(page).0)
    }

    /// Writes one item.
    pub(super) fn set(&mut self, at: usize, item: T) {
        if let Some(slot) = self.page_mut(at / N).and_then(|page| page.get_mut(at % N)) {
            *slot = item;
        }
    }

    /// Writes items one after the other, from `at` on.
    pub(super) fn write(&mut self, mut at: usize, mut items: &[T])
    where
        T: Copy,
    {
        while !items.is_empty() {
            let (now, later) = items.split_at(items.len().min(N - at % N));
            let page = self.page_mut(at / N).and_then(|page| page.get_mut(at % N..));
            let Some(place) = page.and_then(|page| page.get_mut(..now.len())) else { return };
            place.copy_from_slice(now);
            (at, items) = (at + now.len(), later);
        }
    }

    /// Bytes of the pages that exist, those shared with others included.
    pub(super) fn bytes(&self) -> usize {
        let branches = core::iter::once(&self.only).chain(&*self.branches);
        let pages = branches.clone().flat_map(|branch| branch.iter());
        let written = pages.filter(|page| !Arc::ptr_eq(page, &self.blank)).count();
        written * size_of::<[T; N]>() + branches.count() * size_of::<[Page<T, N>; FAN]>()
    }
}
