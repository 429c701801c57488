//! Selectors: which labels an object must have.
//!
//! Three forms, one meaning: the map of a Service, the [`LabelSelector`] of a Deployment, the text of a query. All
//! become a [`Selector`], a list of requirements that must all hold.
//!
//! ```text
//! selector    = [ requirement *( "," requirement ) ]
//! requirement = "!" key | key | key ( "=" | "==" | "!=" | ">" | "<" ) [value] | key ( "in" | "notin" ) "(" list ")"
//! list        = [value] *( "," [value] )
//! ```
//!
//! What can't be seen in the code: `!=` and `notin` hold when the key is missing; `in` and `notin` are keywords only
//! where an operator stands; and Kubernetes' own reader takes a NUL byte for the end of the text, so that `"\0x=y"`
//! selects *everything*. [`Selector`]'s `FromStr` refuses NUL; [`Selector::parse_compat`] reads as Kubernetes does.

mod index;
mod label_selector;
mod labels;
mod numbered;
mod objects;
mod operator;
mod parse;
mod requirement;
mod selector;
mod terms;
mod token;

pub use index::Index;
pub use label_selector::{Expression, LabelSelector, NotAMap};
pub use labels::{BadLabels, Labels, is_label_key, is_label_value};
pub(crate) use labels::{is_name_part, is_subdomain};
pub(crate) use numbered::Numbered;
pub use objects::Objects;
pub use operator::Operator;
pub use parse::SelectorError;
pub use requirement::Requirement;
pub use selector::Selector;
pub(crate) use terms::Terms;
pub use token::{Token, TokenKind, Tokens};

#[cfg(test)]
mod tests;
