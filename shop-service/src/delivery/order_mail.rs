//! The job that tells customers what they have ordered.
//!
//! The mail carries nothing a user typed: whoever registers with somebody else's address could
//! send that person words of his own. What products are called is the shop's word.

use askama::Template;

use crate::mailer::{Letter, MailError, Mailer, line};
use crate::money::Money;
use crate::orders::{self, Order, OrderId};
use crate::outbox::{self, Failure, Job};
use crate::state::Shop;

pub(super) async fn send(shop: &Shop, mailer: &Mailer, job: &Job) -> Result<(), Failure> {
    let order = job.payload.get("order").and_then(|order| order.as_str());
    let order: OrderId = order
        .and_then(|order| order.parse().ok())
        .ok_or_else(|| Failure::Never("the job names no order".to_owned()))?;
    // Not kept while the mail server takes its time.
    let found = orders::store::find_with_email(&shop.db.get().await?, order).await?;
    // A customer who is gone gets no mail.
    if let Some((order, email)) = found {
        let letter = letter(&order, &email).map_err(|error| Failure::Never(error.to_string()))?;
        mailer.send(&letter).await?;
    }
    outbox::store::finish(&shop.db.get().await?, job.id).await?;
    Ok(())
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Refused(why) => Self::Never(why),
            MailError::Unavailable(why) => Self::Again(why),
        }
    }
}

#[derive(Template)]
#[template(path = "order.txt")]
struct Text<'a> {
    id: OrderId,
    lines: &'a [Line],
    total: Money,
}

#[derive(Template)]
#[template(path = "order.html")]
struct Html<'a> {
    id: OrderId,
    lines: &'a [Line],
    total: Money,
}

/// A line of the order; the name cannot break out of it.
struct Line {
    name: String,
    quantity: i64,
    unit_price: Money,
    price: Money,
}

/// The letter about an order, to its customer's address.
fn letter<'a>(order: &Order, to: &'a str) -> Result<Letter<'a>, askama::Error> {
    let lines = order.items.iter().map(|item| Line {
        name: line(&item.name),
        quantity: item.quantity,
        unit_price: item.unit_price,
        price: Money(item.price()),
    });
    let (id, lines, total) = (order.id, &*lines.collect::<Vec<_>>(), order.total);
    Ok(Letter {
        id: id.0,
        to,
        subject: format!("Your order {id}"),
        date: order.placed_at,
        text: Text { id, lines, total }.render()?,
        html: Html { id, lines, total }.render()?,
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use time::OffsetDateTime;

    use super::*;
    use crate::orders::{OrderItem, Status};
    use crate::products::ProductId;

    fn order(names: &[&str]) -> Order {
        let item = |name: &&str| OrderItem {
            product_id: ProductId::generate(),
            name: (*name).to_owned(),
            unit_price: Money(Decimal::new(45, 1)),
            quantity: 3,
        };
        Order {
            id: OrderId(uuid::uuid!("01997b2e-3c44-7d51-8a3b-0d6a5ef0c001")),
            status: Status::Processing,
            total: Money(Decimal::new(1350, 2)),
            shipping_address: "1 Lock Lane, typed by a user".to_owned(),
            placed_at: OffsetDateTime::UNIX_EPOCH,
            items: names.iter().map(item).collect(),
            history: None,
        }
    }

    #[test]
    fn it_tells_the_orders_id_its_lines_and_its_total() {
        let letter = letter(&order(&["Notebook", "Äpfel"]), "ann@example.com").unwrap();

        assert_eq!(letter.subject, "Your order 01997b2e-3c44-7d51-8a3b-0d6a5ef0c001");
        assert_eq!(
            letter.text,
            "Thank you for your order 01997b2e-3c44-7d51-8a3b-0d6a5ef0c001.\n\
             \n\
             Notebook\n    3 x 4.50 = 13.50\n\
             Äpfel\n    3 x 4.50 = 13.50\n\
             \n\
             Total: 13.50"
        );
        let row = "<tr><td dir=\"auto\">Äpfel</td><td align=\"right\">3</td>\
            <td align=\"right\">4.50</td><td align=\"right\">13.50</td></tr>\n<tr>";
        assert!(letter.html.contains(row), "{}", letter.html);
        assert!(letter.html.contains("<th align=\"right\">13.50</th>"), "{}", letter.html);
    }

    #[test]
    fn nothing_that_a_user_typed_is_in_it() {
        let letter = letter(&order(&["Notebook"]), "ann@example.com").unwrap();

        for body in [&letter.text, &letter.html] {
            assert!(!body.contains("typed") && !body.contains("ann@"), "{body}");
            assert!(!body.contains("http") && !body.contains("href"), "{body}");
        }
    }

    #[test]
    fn a_name_stays_in_its_line_and_is_no_markup() {
        for (name, text, html) in [
            ("<script>alert(1)</script>", "<script>alert(1)</script>", "&#60;script&#62;"),
            ("x\r\nBcc: x@y", "x  Bcc: x@y", "x  Bcc: x@y"),
            ("ab\u{202e}fdp.exe", "ab fdp.exe", "ab fdp.exe"),
            ("{{ id }} {% raw %}", "{{ id }} {% raw %}", "{{ id }} {% raw %}"),
            ("\"a\" & 'b'", "\"a\" & 'b'", "&#34;a&#34; &#38; &#39;b&#39;"),
        ] {
            let letter = letter(&order(&[name]), "ann@example.com").unwrap();

            assert!(letter.text.contains(&format!("\n{text}\n    3 x")), "{}", letter.text);
            assert!(letter.html.contains(html), "{}", letter.html);
            assert!(!letter.html.contains("<script"), "{}", letter.html);
            assert_eq!(letter.html.lines().count(), 15, "{}", letter.html);
        }
    }
}
