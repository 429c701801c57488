//! Selectors: which labels an object must have.
//!
//! Three forms, one meaning: the map of a Service, the `LabelSelector` of a Deployment, the text of a query. All
//! become a [`Selector`], a list of requirements that must all hold.

mod index;
mod labels;
mod selector;

pub use index::Index;
pub use labels::Labels;
pub use selector::{Operator, Requirement, Selector};
