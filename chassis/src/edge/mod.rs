//! The HTTP edge: how requests come in and how answers go out.
//!
//! | module | what it is |
//! |---|---|
//! | [`address`] | where a request came from |
//! | [`refusal`] | an error on its way out |
//! | [`route`] | a route that reads as a sentence, and the table of all |
//! | [`guard`] | what must hold before a handler runs: the only place that rejects |
//! | [`query`] | the query string and pages of a list |
//! | [`reply`] | answers that are no errors |
//! | [`request_id`], [`cors`] | headers that every answer has |
//! | [`mod@correlation`] | what links a request with the calls that it makes |
//! | `observation` | what is told of a request: its log line, its metrics, its span |
//! | [`service`] | from hyper's request to warp's routes and back |

pub mod address;
pub mod correlation;
pub mod cors;
pub mod guard;
mod observation;
pub mod query;
pub mod refusal;
pub mod reply;
pub mod request_id;
pub mod route;
pub mod service;

pub use address::{ClientAddress, client_address};
pub use correlation::{Correlation, correlation};
pub use query::{Page, Query};
pub use refusal::Refusal;
pub use request_id::RequestId;
pub use route::{Named, Route, any_of, with};
pub use service::Edge;
