//! A row that a test holds, so that calls meet there in an order of the test's choice.

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, eventually};

use crate::auth::{Auth, User};

/// Waits until so many connections wait for a lock.
pub(crate) async fn waiting(auth: &Auth, count: usize) {
    // A connection of its own: in a transaction, the view never shows who connected since.
    let watcher = auth.database().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the call waits for the row", async || {
        let found: i64 = watcher.query_one(waiting, &[]).await.unwrap().get(0);
        (usize::try_from(found) == Ok(count)).then_some(())
    })
    .await;
}

/// Holds the user's row until both calls wait for it, the first one first; their answers.
pub(crate) async fn one_after_the_other(auth: &Auth, user: &User, calls: [Call; 2]) -> [Answer; 2] {
    let holder = auth.database().await;
    let hold = format!("BEGIN; SELECT FROM credentials WHERE id = '{}' FOR UPDATE", user.id);
    holder.batch_execute(&hold).await.unwrap();
    let [first, second] = calls;

    let first = tokio::spawn(first.send());
    waiting(auth, 1).await;
    let second = tokio::spawn(second.send());
    waiting(auth, 2).await;
    holder.batch_execute("COMMIT").await.unwrap();

    [first.await.unwrap(), second.await.unwrap()]
}
