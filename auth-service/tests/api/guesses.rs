//! Passwords guessed, from any network, and the clock of whoever has to wait.

use devstack_testkit::http::Call;
use devstack_testkit::{Answer, Api};
use tokio::task::JoinSet;

use crate::auth::{Auth, OTHER_PASSWORD, PASSWORD, Tokens, User};

/// An address in a network of its own.
pub(crate) const HOME: &str = "203.0.113.7";
/// Another.
pub(crate) const AWAY: &str = "198.51.100.7";

/// `POST /login` from this address, through the proxy that every test is.
pub(crate) fn login_from(api: &Api, address: &str, email: &str, password: &str) -> Call {
    let form = [("username", email), ("password", password)];
    api.post("/login").form(&form).header("x-forwarded-for", address)
}

/// All at once; their answers in the order in which they come.
pub(crate) async fn at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Answer> {
    let mut sent = JoinSet::new();
    for call in calls {
        sent.spawn(call.send());
    }
    sent.join_all().await
}

/// How many were refused for their password, which costs a hash; all others had to wait.
#[track_caller]
pub(crate) fn judged(answers: &[Answer]) -> usize {
    let (judged, waited): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 400);
    for answer in &judged {
        answer.expect_oauth_error(400, "invalid_grant");
    }
    for answer in waited {
        answer.expect_oauth_error(429, "too_many_requests");
    }
    judged.len()
}

/// Makes every wait an hour longer, so that none is over before a test has looked at it.
const LONG_WAITS: &str = "
    CREATE FUNCTION lengthen() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.waits_until := NEW.waits_until + interval '1 hour'; RETURN NEW; END $$;
    CREATE TRIGGER lengthen BEFORE INSERT OR UPDATE OF failures ON throttle
        FOR EACH ROW EXECUTE FUNCTION lengthen()";

impl Auth {
    /// Makes every wait last as long as the test.
    pub(crate) async fn make_waits_long(&self) {
        self.sql(LONG_WAITS).await;
    }

    /// Lets every wait be over.
    pub(crate) async fn let_waits_pass(&self) {
        self.sql("UPDATE throttle SET waits_until = clock_timestamp()").await;
    }

    /// Logs in with [`PASSWORD`] from this address.
    pub(crate) async fn login_from(&self, address: &str, email: &str) -> Answer {
        login_from(&self.api, address, email, PASSWORD).send().await
    }

    /// Logs in with [`PASSWORD`] from this address; who has registered can.
    pub(crate) async fn tokens_from(&self, address: &str, user: &User) -> Tokens {
        Tokens::of(&self.login_from(address, user.email).await)
    }

    /// Logs in with a wrong password from this address.
    pub(crate) async fn guess(&self, address: &str, email: &str) -> Answer {
        login_from(&self.api, address, email, OTHER_PASSWORD).send().await
    }

    /// Logs in with as many wrong passwords, one by one, each of which is judged.
    pub(crate) async fn fail(&self, times: usize, address: &str, email: &str) {
        for _ in 0..times {
            self.guess(address, email).await.expect_oauth_error(400, "invalid_grant");
        }
    }

    /// How many failures are counted; no row is none.
    pub(crate) async fn counted(&self, kind: &str, email: &str, network: &str) -> i32 {
        let counted = "SELECT failures FROM throttle
            WHERE kind = $1 AND email = $2 AND network = $3";
        let row = self.database().await.query_opt(counted, &[&kind, &email, &network]).await;
        row.unwrap().map_or(0, |row| row.get(0))
    }

    /// Sets a count to so many failures, none of which made anybody wait.
    pub(crate) async fn set_count(&self, kind: &str, email: &str, network: &str, failures: i32) {
        let set = "INSERT INTO throttle (kind, email, network, failures, expires_at)
            VALUES ($1, $2, $3, $4, clock_timestamp() + interval '1 hour')
            ON CONFLICT (kind, email, network) DO UPDATE
            SET failures = excluded.failures, waits_until = NULL";
        self.database().await.execute(set, &[&kind, &email, &network, &failures]).await.unwrap();
    }
}
