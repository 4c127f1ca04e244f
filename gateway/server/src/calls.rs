//! The recent calls of each app, for whoever looks after it: when, by which route, and what came of it.
//!
//! In memory alone, and bounded twice. Holds routes and never addresses, codes and never texts: nothing in it is of any
//! patient, and what an app sent is not kept.

use crate::request::Request;
use crate::route::Route;
use http::StatusCode;
use portal::Call;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Calls of one app that are kept: what a developer looks at.
pub(crate) const CALLS_MAX: usize = 100;
/// Apps whose calls are kept; all together they take some 15 MB at most. Past that, the app that has called least lately is
/// forgotten.
const CLIENTS_MAX: usize = 1_000;

/// The calls that are kept.
#[derive(Default)]
pub(crate) struct Calls(Mutex<HashMap<String, VecDeque<Call>>>);

impl Calls {
    /// Notes a call of an app. Only of one that is registered: names that strangers make up would push others out.
    pub(crate) fn note(&self, client: &str, call: Call) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(client) && all.len() >= CLIENTS_MAX {
            let latest = |calls: &VecDeque<Call>| calls.back().map(|call| call.at);
            let oldest = all.iter().min_by_key(|(_, calls)| latest(calls)).map(|(client, _)| client.clone());
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        let calls = all.entry(client.to_owned()).or_default();
        if calls.len() >= CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// The calls of an app, the newest first.
    pub(crate) fn of(&self, client: &str) -> Vec<Call> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(client).into_iter().flat_map(|calls| calls.iter().rev().cloned()).collect()
    }
}

/// A call as it is kept.
pub(crate) fn call(request: &Request, route: &'static str, status: StatusCode, error: Option<&'static str>) -> Call {
    if let Some(error) = error {
        tracing::debug!(
            correlation = request.correlation,
            route,
            status = status.as_u16(),
            error,
            "a call was refused"
        );
    }
    Call {
        at: crate::clock::now(),
        method: request.method.to_string(),
        route,
        status: status.as_u16(),
        error,
        correlation: request.correlation.clone(),
    }
}

/// As [`call`], by the row of the table.
pub(crate) fn by_route(request: &Request, route: &Route, status: StatusCode, error: Option<&'static str>) -> Call {
    call(request, route.path, status, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::Instant;

    fn call_at(at_s: i64) -> Call {
        let correlation = at_s.to_string();
        let (method, route) = ("GET".to_owned(), "/fhir/{type}");
        Call { at: Instant::from_seconds(at_s), method, route, status: 200, error: None, correlation }
    }

    #[test]
    fn of_one_app_the_newest_are_kept_and_of_all_apps_those_that_called_last() {
        let calls = Calls::default();
        let most = i64::try_from(CALLS_MAX).unwrap_or(i64::MAX);
        (0..most + 7).for_each(|at_s| calls.note("busy", call_at(at_s)));
        let kept: Vec<i64> = calls.of("busy").iter().map(|call| call.at.seconds()).collect();
        assert_eq!(kept, (7..most + 7).rev().collect::<Vec<_>>());
        calls.note("oldest", call_at(1));
        (0..CLIENTS_MAX + 50).for_each(|nth| calls.note(&format!("c{nth}"), call_at(1_000)));
        assert_eq!(calls.0.lock().map(|all| all.len()).ok(), Some(CLIENTS_MAX));
        assert!(calls.of("oldest").is_empty() && calls.of("nobody").is_empty());
        assert_eq!(calls.of(&format!("c{}", CLIENTS_MAX + 49)).len(), 1);
    }
}
