//! Deletion while something else happens to the same user: nothing fails, nothing is stuck.

use devstack_testkit::{Answer, eventually};

use crate::system::{
    OTHER_PASSWORD, PASSWORD, Person, System, all_at_once, count, expect_later, until_wait,
};

/// How many answers have this status.
fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// That nothing of a deletion is left to do, and nobody is half deleted.
async fn expect_nothing_stuck(system: &System) {
    system.until_auth_is_told().await;
    assert_eq!(count(&system.shop_db, "users WHERE state = 'deleting'").await, 0);
    let persons = "cart_items WHERE user_id NOT IN (SELECT id FROM users)";
    assert_eq!(count(&system.shop_db, persons).await, 0);
}

#[tokio::test]
async fn a_checkout_of_the_same_moment_leaves_an_order_of_nobody_or_none() {
    let system = System::start().await;
    let admin = system.admin().await;
    let product = system.product(&admin, 1000).await;
    for _ in 0..10 {
        let ann = system.customer().await;
        system.add(&ann, &product).send().await.expect(201);

        let calls = [system.order(&ann), system.delete(&ann, &ann), system.add(&ann, &product)];
        let answers = all_at_once(calls).await;

        answers[1].expect(204);
        for answer in [&answers[0], &answers[2]] {
            assert!([201, 401].contains(&answer.status), "{answer:?}");
        }
        expect_nothing_stuck(&system).await;
        let order = "orders WHERE user_id IS NOT NULL OR shipping_address <> ''";
        assert_eq!(count(&system.shop_db, order).await, 0);
        let again = system.register("Ann", &ann.email, OTHER_PASSWORD).await;
        again.expect(201);
    }
}

#[tokio::test]
async fn registering_again_in_the_same_moment_comes_before_or_after_or_is_to_be_tried_again() {
    let system = System::start().await;
    for _ in 0..10 {
        let ann = system.customer().await;

        let again = |number| {
            let password = format!("{OTHER_PASSWORD} {number}");
            system.shop.registration("Anna", &ann.email, &password)
        };
        let calls = std::iter::once(system.delete(&ann, &ann)).chain((1..5).map(again));
        let answers = all_at_once(calls).await;

        answers[0].expect(204);
        let registered = answers.iter().position(|answer| answer.status == 201);
        for answer in &answers[1..] {
            match answer.status {
                201 => {}
                409 => drop(answer.expect_problem(409, "email_taken")),
                _ => expect_later(answer),
            }
        }
        expect_nothing_stuck(&system).await;
        let last = system.register("Anna", &ann.email, PASSWORD).await;
        let password = match registered {
            Some(number) => format!("{OTHER_PASSWORD} {number}"),
            None => PASSWORD.to_owned(),
        };
        assert_eq!(last.status, if registered.is_some() { 409 } else { 201 }, "{answers:?}");
        system.auth.login(&ann.email, &password).await.expect(200);
    }
}

#[tokio::test]
async fn who_registers_again_is_told_to_wait_until_it_works() {
    let system = System::start().await;
    for _ in 0..20 {
        let ann = system.customer().await;
        system.delete(&ann, &ann).send().await.expect(204);

        let registered = eventually("the e-mail is free", async || {
            let answer = system.register("Anna", &ann.email, OTHER_PASSWORD).await;
            if answer.status != 201 {
                expect_later(&answer);
                return None;
            }
            Some(answer)
        })
        .await;

        registered.expect(201);
        system.auth.login(&ann.email, OTHER_PASSWORD).await.expect(200);
    }
}

#[tokio::test]
async fn of_two_admins_who_delete_each_other_one_stays() {
    let system = System::start().await;
    for _ in 0..4 {
        let [ann, bob] = [system.admin().await, system.admin().await];

        // So that both begin at the same moment, each with its first lock.
        system.shop_db.batch_execute("BEGIN; SELECT FROM users FOR UPDATE").await.unwrap();
        let calls = [system.delete(&ann, &bob), system.delete(&bob, &ann)];
        let (answers, ()) = tokio::join!(all_at_once(calls), async {
            until_wait(&system.shop_db, 2).await;
            system.shop_db.batch_execute("COMMIT").await.unwrap();
        });

        assert_eq!((with_status(&answers, 204), with_status(&answers, 401)), (1, 1), "{answers:?}");
        let (gone, stays) = if answers[0].status == 204 { (ann, bob) } else { (bob, ann) };
        expect_nothing_stuck(&system).await;
        system.get("/admin/outbox", &stays).send().await.expect(200);
        system.auth.login(&stays.email, PASSWORD).await.expect(200);
        let login = system.auth.login(&gone.email, PASSWORD).await;
        login.expect_oauth_error(400, "invalid_grant");
        system.register("Ann", &gone.email, PASSWORD).await.expect(201);
    }
}

#[tokio::test]
async fn a_user_who_is_deleted_by_several_at_once_is_deleted_once() {
    let system = System::start().await;
    let admins = [system.admin().await, system.admin().await];
    for _ in 0..5 {
        let ann = system.customer().await;

        let callers: [&Person; 4] = [&ann, &ann, &admins[0], &admins[1]];
        let answers = all_at_once(callers.map(|caller| system.delete(&ann, caller))).await;

        assert_eq!(with_status(&answers, 204), 1, "{answers:?}");
        for (place, answer) in answers.iter().enumerate().filter(|(_, it)| it.status != 204) {
            let (status, code) =
                if place < 2 { (401, "invalid_token") } else { (404, "not_found") };
            answer.expect_problem(status, code);
        }
        expect_nothing_stuck(&system).await;
        let told = system.wire.seen(&format!("DELETE /credentials/{} ", ann.id));
        assert_eq!(told.len(), 1);
    }
}

#[tokio::test]
async fn a_login_of_the_same_moment_gives_no_token_that_is_good_for_anything() {
    let system = System::start().await;
    for _ in 0..5 {
        let ann = system.customer().await;

        let (deleted, login) =
            tokio::join!(system.delete(&ann, &ann).send(), system.auth.login(&ann.email, PASSWORD));

        deleted.expect(204);
        if login.status == 200 {
            let token = login.json()["access_token"].as_str().unwrap().to_owned();
            let me = system.shop.api.get("/user/me").bearer(token).send().await;
            me.expect_problem(401, "invalid_token");
        } else {
            login.expect_oauth_error(400, "invalid_grant");
        }
        expect_nothing_stuck(&system).await;
        let later = system.auth.login(&ann.email, PASSWORD).await;
        later.expect_oauth_error(400, "invalid_grant");
    }
}
