//! What stands between C and Rust: handles that know when they are torn, panics that stop here, checked pointers.
//!
//! Each of these is used with bodies of all kinds, and is a part of each function that C calls: a call from one to the
//! other would cost as much as the smallest bodies.

use crate::svckit_status;
use std::{
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering},
};

/// What a body answers: nothing, or the status of its failure.
pub(crate) type Done = Result<(), svckit_status>;

/// What a C handle points to: a Rust value, and whether a panic may have torn it.
#[derive(Debug)]
pub(crate) struct Handle<T> {
    value: T,
    poisoned: AtomicBool,
}

/// A type that C knows as an opaque pointer.
pub(crate) trait Opaque: Sized {
    /// What it stands for.
    type Value;

    fn new(handle: Handle<Self::Value>) -> Self;
    fn handle(&self) -> &Handle<Self::Value>;
    fn handle_mut(&mut self) -> &mut Handle<Self::Value>;
}

/// Ties an opaque C type, a tuple struct around a [`Handle`], to its value.
macro_rules! opaque {
    ($name:ident, $value:ty) => {
        impl $crate::guard::Opaque for $name {
            type Value = $value;

            fn new(handle: $crate::guard::Handle<$value>) -> Self {
                Self(handle)
            }

            fn handle(&self) -> &$crate::guard::Handle<$value> {
                &self.0
            }

            fn handle_mut(&mut self) -> &mut $crate::guard::Handle<$value> {
                &mut self.0
            }
        }
    };
}
pub(crate) use opaque;

impl<T> Handle<T> {
    const fn new(value: T) -> Self {
        Self { value, poisoned: AtomicBool::new(false) }
    }

    /// The value, for bodies of another handle that look at this one too.
    pub(crate) fn value(&self) -> Result<&T, svckit_status> {
        if self.poisoned.load(Ordering::Relaxed) {
            return Err(svckit_status::Poisoned);
        }
        Ok(&self.value)
    }

    /// Runs `body` on the value; a panic poisons this handle and stops here.
    #[inline]
    fn alone(&mut self, body: impl FnOnce(&mut T) -> Done) -> svckit_status {
        if *self.poisoned.get_mut() {
            return svckit_status::Poisoned;
        }
        let status = catch(|| body(&mut self.value));
        *self.poisoned.get_mut() = status == svckit_status::Panic;
        status
    }

    /// The same, for bodies that only look.
    #[inline]
    fn shared(&self, body: impl FnOnce(&T) -> Done) -> svckit_status {
        if self.poisoned.load(Ordering::Relaxed) {
            return svckit_status::Poisoned;
        }
        let status = catch(|| body(&self.value));
        if status == svckit_status::Panic {
            self.poisoned.store(true, Ordering::Relaxed);
        }
        status
    }
}

/// Runs `body` and turns a panic into a status.
#[inline]
pub(crate) fn catch(body: impl FnOnce() -> Done) -> svckit_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(done) => done.err().unwrap_or(svckit_status::Ok),
        Err(_) => svckit_status::Panic,
    }
}

/// Runs `body` on the value behind a handle.
///
/// # Safety
///
/// `handle` is NULL, or alive and used by no other call.
#[inline]
pub(crate) unsafe fn alone<H: Opaque>(
    handle: *mut H,
    body: impl FnOnce(&mut H::Value) -> Done,
) -> svckit_status {
    // SAFETY: promised by the caller.
    let handle = unsafe { handle.as_mut() };
    handle.map_or(svckit_status::NullPointer, |handle| handle.handle_mut().alone(body))
}

/// Runs `body`, which only looks, on the value behind a handle.
///
/// # Safety
///
/// `handle` is NULL, or alive and used by no other call but those that only look.
#[inline]
pub(crate) unsafe fn shared<H: Opaque>(
    handle: *const H,
    body: impl FnOnce(&H::Value) -> Done,
) -> svckit_status {
    // SAFETY: promised by the caller.
    let handle = unsafe { handle.as_ref() };
    handle.map_or(svckit_status::NullPointer, |handle| handle.handle().shared(body))
}

/// Makes a handle and gives it to the caller.
///
/// # Safety
///
/// `out` is NULL or has room for one pointer.
pub(crate) unsafe fn make<H: Opaque>(
    out: *mut *mut H,
    body: impl FnOnce() -> Result<H::Value, svckit_status>,
) -> svckit_status {
    catch(|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Out::new(out) }?;
        out.set(give::<H>(body()?));
        Ok(())
    })
}

/// Makes a handle that belongs to the caller from now on; [`free`] takes it back.
pub(crate) fn give<H: Opaque>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(H::new(Handle::new(value))))
}

/// Ends a handle, poisoned or not.
///
/// # Safety
///
/// `handle` is NULL, or came from [`make`] and is given up by the caller.
pub(crate) unsafe fn free<H: Opaque>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: made by `Box::into_raw` in `make`, and given up by the caller.
        let owned = unsafe { Box::from_raw(handle) };
        catch(|| {
            drop(owned);
            Ok(())
        });
    }
}

/// Where one result goes. Never a `&mut`: C passes memory that was never written.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// # Safety
    ///
    /// `place` is NULL or has room for one value, for as long as the call runs.
    #[inline]
    pub(crate) unsafe fn new(place: *mut T) -> Result<Self, svckit_status> {
        NonNull::new(place).map(Self).ok_or(svckit_status::NullPointer)
    }

    #[inline]
    pub(crate) fn set(self, value: T) {
        // SAFETY: not NULL, and there is room as `new` was promised.
        unsafe { self.0.write(value) };
    }
}

/// One value that the caller lent.
///
/// # Safety
///
/// `value` is NULL, or readable and written by nobody during the call.
pub(crate) unsafe fn one<T: Copy>(value: *const T) -> Result<T, svckit_status> {
    // SAFETY: promised by the caller.
    unsafe { value.as_ref() }.copied().ok_or(svckit_status::NullPointer)
}

/// Values that the caller lent. None of them at NULL are none.
///
/// # Safety
///
/// `values` is NULL, or points to `len` readable values that nobody writes during the call.
pub(crate) unsafe fn many<'a, T>(values: *const T, len: usize) -> Result<&'a [T], svckit_status> {
    match (values.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(svckit_status::NullPointer),
        (false, _) if !can_be::<T>(len) => Err(svckit_status::InvalidArgument),
        // SAFETY: not NULL, no larger than memory can be, and the caller promises the rest.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(values, len) }),
    }
}

/// Whether there can be so many values in one piece of memory.
pub(crate) const fn can_be<T>(len: usize) -> bool {
    len <= isize::MAX as usize / if size_of::<T>() == 0 { 1 } else { size_of::<T>() }
}

/// Memory of the caller for exactly `count` results.
///
/// # Safety
///
/// `place` is NULL, or has room for `count` values that nobody else uses during the call.
pub(crate) unsafe fn room<'a, T>(
    place: *mut T,
    count: usize,
) -> Result<&'a mut [MaybeUninit<T>], svckit_status> {
    match (place.is_null(), count) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(svckit_status::NullPointer),
        (false, _) if !can_be::<T>(count) => Err(svckit_status::InvalidArgument),
        // SAFETY: not NULL, no larger than memory can be, and the caller promises the rest.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts_mut(place.cast(), count) }),
    }
}

/// A text that the caller lent.
///
/// # Safety
///
/// As [`many`].
pub(crate) unsafe fn text<'a>(bytes: *const u8, len: usize) -> Result<&'a str, svckit_status> {
    // SAFETY: promised by the caller.
    let bytes = unsafe { many(bytes, len) }?;
    std::str::from_utf8(bytes).map_err(|_| svckit_status::InvalidArgument)
}

/// Memory of the caller, for a list of results of any length.
pub(crate) struct Buffer<T> {
    room: *mut T,
    capacity: usize,
    len: Out<usize>,
}

impl<T> Buffer<T> {
    /// # Safety
    ///
    /// `room` is NULL with a capacity of 0, or has room for `capacity` values that nobody else uses during the
    /// call; `len` is NULL or has room for one number.
    pub(crate) unsafe fn new(
        room: *mut T,
        capacity: usize,
        len: *mut usize,
    ) -> Result<Self, svckit_status> {
        // SAFETY: promised by the caller.
        let len = unsafe { Out::new(len) }?;
        if room.is_null() && capacity > 0 {
            return Err(svckit_status::NullPointer);
        }
        Ok(Self { room, capacity, len })
    }

    /// Writes these and their number; writes only the number when there are too many of them.
    pub(crate) fn fill(self, values: impl ExactSizeIterator<Item = T>) -> Done {
        let count = values.len();
        self.len.set(count);
        if count > self.capacity {
            return Err(svckit_status::BufferTooSmall);
        }
        for (n, value) in values.take(count).enumerate() {
            // SAFETY: `n` is below the capacity, and there is room for as many values as `new` was promised.
            unsafe { self.room.add(n).write(value) };
        }
        Ok(())
    }
}

impl Buffer<u8> {
    /// The same for a text.
    pub(crate) fn print(self, text: &str) -> Done {
        self.fill(text.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct number(Handle<u32>);
    opaque!(number, u32);

    #[test]
    fn a_panic_poisons_its_own_handle_only() {
        let (mut torn, mut other) = (number::new(Handle::new(0)), number::new(Handle::new(0)));
        // SAFETY: both are alive and nobody else has them.
        unsafe {
            assert_eq!(alone(&raw mut torn, |_| panic!("a bug")), svckit_status::Panic);
            assert_eq!(alone(&raw mut torn, |_| Ok(())), svckit_status::Poisoned);
            assert_eq!(shared(&raw const torn, |_| Ok(())), svckit_status::Poisoned);
            assert_eq!(alone(&raw mut other, |_| Ok(())), svckit_status::Ok);
            assert_eq!(shared(&raw const other, |_| panic!("a bug")), svckit_status::Panic);
            assert_eq!(alone(&raw mut other, |_| Ok(())), svckit_status::Poisoned);
        }
    }

    #[test]
    fn null_is_answered() {
        // SAFETY: NULL is allowed everywhere here.
        unsafe {
            let null = std::ptr::null_mut::<number>();
            assert_eq!(alone(null, |_| Ok(())), svckit_status::NullPointer);
            assert_eq!(shared(null, |_| Ok(())), svckit_status::NullPointer);
            assert_eq!(
                make(std::ptr::null_mut::<*mut number>(), || Ok(1)),
                svckit_status::NullPointer
            );
            free(null);
            assert_eq!(text(std::ptr::null(), 0), Ok(""));
            assert_eq!(text(std::ptr::null(), 1), Err(svckit_status::NullPointer));
            assert_eq!(text([0xff].as_ptr(), 1), Err(svckit_status::InvalidArgument));
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_gets_the_length_only() {
        let (mut room, mut len) = ([7_u8; 3], 0);
        // SAFETY: the room is as large as it says.
        let mut fill = |capacity, count: u8| unsafe {
            Buffer::new(room.as_mut_ptr(), capacity, &raw mut len)
                .and_then(|buffer| buffer.fill(vec![1_u8; count.into()].into_iter()))
        };
        assert_eq!(fill(2, 3), Err(svckit_status::BufferTooSmall));
        assert_eq!(fill(2, 1), Ok(()));
        assert_eq!((room, len), ([1, 7, 7], 1));
    }
}
