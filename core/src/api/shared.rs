//! Parts of objects that copies have in common.

use core::ops::{Deref, DerefMut};
use std_alloc::sync::Arc;

/// A value that copies share until one of them changes it. It is read and written as if it stood there itself.
///
/// A copy costs nothing; the first change through a copy that is shared costs a copy of the value.
///
/// ```
/// use svckit::api::{Pod, PodTemplateSpec};
///
/// let mut template = PodTemplateSpec::default();
/// template.spec.hostname = "web".into();
/// let mut pod = Pod { spec: template.spec.clone(), ..Pod::default() };
/// pod.spec.node_name = "n1".into();
/// assert_eq!((&*pod.spec.hostname, &*template.spec.node_name), ("web", ""));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(feature = "serde")]
impl<T: serde::Serialize> serde::Serialize for Shared<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Shared<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}
