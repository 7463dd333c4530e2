//! Mail to customers: whether it is sent, from whom, and who can read along.

use chassis::check::{Finding, host};

use crate::config::{MailConfig, MailUrl, SmtpServer, SmtpTls};

const EXAMPLE: &str = "MAIL_URL=smtps://user:password@mail.example.com";

pub(super) fn findings(mail: &MailConfig) -> Vec<Finding> {
    let of_url = match &mail.url {
        None => Some(Finding::new(
            "MAIL_URL",
            "is missing: who orders is not told so, as Directive 2000/31/EC Art. 11(1) asks, and \
             mail is given up after three days in the outbox",
            EXAMPLE,
        )),
        Some(MailUrl::Folder(_)) => Some(Finding::new(
            "MAIL_URL",
            "is a folder: who orders is not told so, as Directive 2000/31/EC Art. 11(1) asks",
            EXAMPLE,
        )),
        Some(MailUrl::Smtp(server)) => plain(server),
    };
    of_url.into_iter().chain(sender(mail)).collect()
}

fn plain(server: &SmtpServer) -> Option<Finding> {
    let SmtpServer { host, port, tls, login } = server;
    // An address of IPv6 has brackets in a URL.
    let host = if host.contains(':') { &format!("[{host}]") } else { host };
    (*tls == SmtpTls::Plain && !host::is_internal(host)).then(|| {
        let login = login.as_ref().map_or("", |_| "user:password@");
        Finding::new(
            "MAIL_URL",
            "is plain SMTP to another network: the login, and who ordered what, can be read on \
             their way (RFC 8314 §4.1, RFC 3207 §6)",
            format!("MAIL_URL=smtp://{login}{host}:{port}?tls=required"),
        )
    })
}

fn sender(mail: &MailConfig) -> Option<Finding> {
    host::is_internal(mail.from.email.domain()).then(|| {
        Finding::new(
            "MAIL_FROM",
            "has a domain that no other network knows: mail from there is refused, and nobody can \
             answer it (RFC 5321 §2.3.5)",
            "MAIL_FROM=shop@example.com",
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::check::tests::{expect, lines};

    #[test]
    fn mail_that_reaches_nobody_is_found() {
        for nowhere in ["--mail-url=", "--mail-url=file:///var/mail/shop"] {
            expect(&[nowhere], "MAIL_URL=smtps://user:password@mail.example.com");
        }
    }

    #[test]
    fn mail_without_tls_is_found_unless_its_server_is_near() {
        for (url, line) in [
            ("smtp://mail.example", "MAIL_URL=smtp://mail.example:25?tls=required"),
            (
                "smtp://ann:secret@192.0.2.1:2525",
                "MAIL_URL=smtp://user:password@192.0.2.1:2525?tls=required",
            ),
            ("smtp://[2001:db8::1]", "MAIL_URL=smtp://[2001:db8::1]:25?tls=required"),
        ] {
            expect(&["--mail-url", url], line);
            assert!(!lines(&["--mail-url", url])[0].contains("secret"));
        }
        for fit in [
            "smtp://mail.example?tls=required",
            "smtps://ann:secret@mail.example",
            "smtp://localhost:2525",
            "smtp://[::1]",
            "smtp://mail:25",
            "smtp://mail.shop.svc",
        ] {
            assert_eq!(lines(&["--mail-url", fit]), [""; 0], "{fit}");
        }
    }

    #[test]
    fn mail_from_where_nobody_can_answer_is_found() {
        for from in ["shop@localhost", "Our Shop <shop@mailhost>"] {
            expect(&["--mail-from", from], "MAIL_FROM=shop@example.com");
        }
    }
}
