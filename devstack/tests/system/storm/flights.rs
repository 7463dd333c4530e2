//! What is asked of the services, try by try, and whether an answer came: a killer sees in it what
//! was under way when it struck.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use devstack_testkit::eventually;
use uuid::Uuid;

/// What a try wants to be done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    /// This e-mail's registration.
    Registration { email: String },
    /// This user's deletion.
    Deletion { user: Uuid },
    /// This user's order, under this key.
    Checkout { user: Uuid, key: String },
    /// The mail about this order.
    Mail { order: Uuid },
}

/// Every try so far.
#[derive(Default)]
pub(super) struct Flights(Mutex<BTreeMap<usize, Flight>>);

struct Flight {
    deed: Deed,
    /// `None` while it is under way.
    answered: Option<bool>,
}

impl Flights {
    /// A try begins.
    pub(super) fn begin(&self, deed: Deed) -> usize {
        self.with(|flights| {
            let number = flights.len();
            flights.insert(number, Flight { deed, answered: None });
            number
        })
    }

    /// It has ended: with an answer, or without knowing what came of it.
    pub(super) fn end(&self, number: usize, answered: bool) {
        self.with(|flights| {
            if let Some(flight) = flights.get_mut(&number) {
                flight.answered = Some(answered);
            }
        });
    }

    /// The tries that are under way.
    pub(super) fn under_way(&self) -> Vec<usize> {
        self.with(|flights| {
            let under_way = flights.iter().filter(|(_, flight)| flight.answered.is_none());
            under_way.map(|(number, _)| *number).collect()
        })
    }

    /// What those of these tries wanted that got no answer, once none of them is under way.
    pub(super) async fn lost(&self, numbers: &[usize]) -> Vec<Deed> {
        eventually("what was under way has ended", async || {
            let under_way = self.under_way();
            numbers.iter().all(|number| !under_way.contains(number)).then_some(())
        })
        .await;
        self.with(|flights| {
            let lost = |number| flights.get(number).filter(|it| it.answered == Some(false));
            numbers.iter().filter_map(lost).map(|flight| flight.deed.clone()).collect()
        })
    }

    /// How many tries there were, and how many of them got no answer.
    pub(super) fn count(&self) -> (usize, usize) {
        self.with(|flights| {
            let lost = flights.values().filter(|flight| flight.answered == Some(false)).count();
            (flights.len(), lost)
        })
    }

    fn with<T>(&self, of: impl FnOnce(&mut BTreeMap<usize, Flight>) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
