//! Where mail goes, and from whom.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chassis::config::Faults;
use clap::Args;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// Plain SMTP, submission with STARTTLS, submission over TLS (RFC 5321, RFC 6409, RFC 8314).
const PORTS: [u16; 3] = [25, 587, 465];

/// The mail section as it is given.
#[derive(Args)]
pub struct MailSettings {
    /// Where mail goes: an SMTP server, or a folder [default: mail stays in the outbox]
    #[arg(long, env = "MAIL_URL", global = true, hide_env_values = true, value_name = "URL")]
    mail_url: Option<String>,

    /// A file that holds MAIL_URL
    #[arg(long, env = "MAIL_URL_FILE", global = true, value_name = "FILE")]
    mail_url_file: Option<PathBuf>,

    /// From whom mail is, with or without a name
    #[arg(
        long,
        env = "MAIL_FROM",
        global = true,
        default_value = "shop@localhost",
        value_name = "ADDRESS"
    )]
    mail_from: String,
}

/// The mail section as it is used.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Where mail goes; without it, it stays in the outbox.
    pub url: Option<MailUrl>,
    /// From whom it is; the address is ASCII.
    pub from: Mailbox,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum MailUrl {
    /// A server that delivers it.
    Smtp(SmtpServer),
    /// A folder, for a look at it.
    Folder(PathBuf),
}

/// A server that delivers mail.
#[derive(Debug, Clone)]
pub struct SmtpServer {
    /// Its name or address; one of IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether others can read along.
    pub tls: SmtpTls,
    /// As whom it is used.
    pub login: Option<Login>,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// Not at all.
    Plain,
    /// After STARTTLS, or there is no mail.
    Required,
    /// From its first byte on.
    Implicit,
}

/// A user of a mail server.
#[derive(Debug, Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl MailSettings {
    /// Reads the section.
    pub fn read(&self, faults: &mut Faults) -> Option<MailConfig> {
        let given = (self.mail_url.as_deref(), self.mail_url_file.as_deref());
        let example = "smtps://user:password@mail.example.com";
        let url = faults.optional_secret("MAIL_URL", given, example);
        let from = faults.parse("MAIL_FROM", &self.mail_from, "\"Our Shop <shop@example.com>\"");
        let MailFrom(from) = from?;
        Some(MailConfig { url: url?, from })
    }
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").field("mail_from", &self.mail_from).finish_non_exhaustive()
    }
}

impl FromStr for MailUrl {
    /// Quotes nothing of the value: it may hold a password.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Url = text.parse().map_err(|_| "is no URL")?;
        match url.scheme() {
            "smtp" | "smtps" => server(&url).map(Self::Smtp),
            "file" => folder(text, &url).map(Self::Folder),
            _ => Err("must begin with smtps://, smtp:// or file:///"),
        }
    }
}

fn server(url: &Url) -> Result<SmtpServer, &'static str> {
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err("must end after the host and port, and perhaps ?tls=required");
    }
    let tls = match (url.scheme(), url.query()) {
        ("smtps", None) => SmtpTls::Implicit,
        ("smtp", None) => SmtpTls::Plain,
        ("smtp", Some("tls=required")) => SmtpTls::Required,
        _ => return Err("may have one parameter, ?tls=required, and that only after smtp://"),
    };
    let [plain, starttls, implicit] = PORTS;
    let port = match tls {
        SmtpTls::Plain => plain,
        SmtpTls::Required => starttls,
        SmtpTls::Implicit => implicit,
    };
    Ok(SmtpServer {
        host: host(url)?,
        port: url.port().filter(|port| *port > 0).unwrap_or(port),
        tls,
        login: login(url)?,
    })
}

fn host(url: &Url) -> Result<String, &'static str> {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() && name.chars().all(is_of_a_name) => {
            Ok(name.to_owned())
        }
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        _ => Err("names no host"),
    }
}

fn login(url: &Url) -> Result<Option<Login>, &'static str> {
    let text = |encoded| {
        let decoded = percent_decode_str(encoded).decode_utf8().ok();
        // In SASL a NUL ends the name (RFC 4616 §2).
        let fit = decoded.filter(|text| !text.is_empty() && !text.contains(char::is_control));
        fit.ok_or("must have user:password before the @, special characters percent-encoded")
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, password) => {
            let password = text(password.unwrap_or_default())?;
            Ok(Some(Login { user: text(user)?.into_owned(), password: password.as_ref().into() }))
        }
    }
}

fn folder(text: &str, url: &Url) -> Result<PathBuf, &'static str> {
    // The parser would read `file:mail` and `file://mail` as well, and not as whoever wrote them.
    let is_absolute = text.to_ascii_lowercase().starts_with("file:///");
    let path = url.to_file_path().ok().filter(|_| is_absolute && url.query().is_none());
    match path {
        Some(path) if path != Path::new("/") && url.fragment().is_none() => Ok(path),
        _ => Err("must name a folder by its whole path, such as file:///var/mail/shop"),
    }
}

struct MailFrom(Mailbox);

impl FromStr for MailFrom {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mailbox: Mailbox = text.parse().map_err(|_| "is no mail address")?;
        // Any other needs SMTPUTF8 (RFC 6531), which many servers do not have.
        if !mailbox.email.to_string().is_ascii() {
            return Err("must have an address of ASCII characters");
        }
        if text.contains(char::is_control) {
            return Err("must be one line");
        }
        Ok(Self(mailbox))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn smtp(text: &str) -> SmtpServer {
        match text.parse() {
            Ok(MailUrl::Smtp(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_scheme_and_its_parameter_say_how_it_is_encrypted() {
        for (text, tls, port) in [
            ("smtp://mail", SmtpTls::Plain, 25),
            ("smtp://mail/?tls=required", SmtpTls::Required, 587),
            ("smtps://mail", SmtpTls::Implicit, 465),
            ("SMTPS://mail:2465/", SmtpTls::Implicit, 2465),
        ] {
            let server = smtp(text);
            assert_eq!((server.tls, server.port, &*server.host), (tls, port, "mail"), "{text}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (text, host) in [
            ("smtp://mail.example.com.:25", "mail.example.com."),
            ("smtp://192.0.2.1", "192.0.2.1"),
            ("smtp://[::1]:2525", "::1"),
        ] {
            assert_eq!(smtp(text).host, host);
        }
    }

    #[test]
    fn a_login_is_percent_decoded_and_shown_nowhere() {
        let server = smtp("smtps://ann%40shop:p%3A%2F%40%C3%A4%25@mail");

        let login = server.login.as_ref().unwrap();
        assert_eq!((&*login.user, login.password.expose_secret()), ("ann@shop", "p:/@ä%"));
        let shown = format!("{server:?} {server:#?}");
        assert!(!shown.contains("p:/@") && !shown.contains("p%3A"), "{shown}");
    }

    #[test]
    fn a_folder_is_an_absolute_path_percent_decoded() {
        let url: MailUrl = "file:///var/our%20mail".parse().unwrap();

        let MailUrl::Folder(folder) = url else { panic!("{url:?}") };
        assert_eq!(folder, Path::new("/var/our mail"));
    }

    #[test]
    fn what_is_no_mail_url_is_refused_without_being_quoted() {
        for wrong in [
            "",
            "mail-secret:25",
            "https://u:secret@mail",
            "smtp:u:secret@mail",
            "smtp://",
            "smtp://u:secret@",
            "smtp://u:secret@mail:port",
            "smtp://u:secret@mail:70000",
            "smtp://u:secret@mäil",
            "smtp://u:secret@a%20b",
            "smtp://secret@mail",
            "smtp://:secret@mail",
            "smtp://u%00v:secret@mail",
            "smtp://u:secret%0A@mail",
            "smtp://u:secret%FF@mail",
            "smtp://u:secret@mail/name",
            "smtp://u:secret@mail#x",
            "smtp://u:secret@mail?tls=opportunistic",
            "smtp://u:secret@mail?tls=required&x=1",
            "smtps://u:secret@mail?tls=required",
            "file:secret",
            "file://secret",
            "file://secret/folder",
            "file:///",
            "file:///secret?x",
            "file:///secret#x",
        ] {
            let error = wrong.parse::<MailUrl>().expect_err(wrong);
            assert!(!error.contains("secret") && error.lines().count() == 1, "{wrong}: {error}");
        }
    }

    #[test]
    fn a_sender_is_an_address_perhaps_with_a_name() {
        for (text, name, address) in [
            ("shop@localhost", None, "shop@localhost"),
            ("Our Shop <shop@example.com>", Some("Our Shop"), "shop@example.com"),
            ("\"Äpfel, Birnen\" <shop@example.com>", Some("Äpfel, Birnen"), "shop@example.com"),
        ] {
            let MailFrom(from) = text.parse().unwrap();
            assert_eq!((from.name.as_deref(), &*from.email.to_string()), (name, address));
        }
        for wrong in [
            "",
            "shop",
            "shop@",
            "a@b, c@d",
            "shöp@example.com",
            "A\r\nBcc: x@y <shop@example.com>",
        ] {
            assert!(wrong.parse::<MailFrom>().is_err(), "{wrong}");
        }
    }
}
