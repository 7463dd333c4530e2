//! The whole system: up step by step, running until it is told to stop, down in order.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use devstack_postgres::{Options as PostgresOptions, Server, erase};
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use crate::demo::{self, CUSTOMER};
use crate::options::Options;
use crate::process::{AUTH, Environment, Process, SHOP, local};
use crate::secrets::Secrets;
use crate::steps::{self, progress, say, step};

/// Starts everything, runs until Ctrl-C or SIGTERM, and stops everything.
pub(crate) async fn run(options: Options) -> Result<()> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    say("Latchkey starts.\n");
    let mut stack = Stack::default();
    let up_and_running = async {
        stack.up(&options).await?;
        stack.watch().await
    };
    let result = tokio::select! {
        result = up_and_running => result,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    say("\nStopping.");
    stack.down().await;
    result
}

/// Below the folder of all data: an `.eml` for each mail to a customer.
const MAIL: &str = "mail";

/// What runs so far.
#[derive(Default)]
struct Stack {
    postgres: Option<Server>,
    auth: Option<Process>,
    shop: Option<Process>,
}

impl Stack {
    async fn up(&mut self, options: &Options) -> Result<()> {
        options.check_ports()?;
        let folder = options.folder();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        if options.fresh {
            step("deleting what earlier runs left", async { delete(&folder) }).await?;
        }
        let secrets = Secrets::keep_in(&folder.join("secrets"))?;
        let http = demo::client()?;

        let postgres = step("PostgreSQL", start_postgres(options, &folder)).await?;
        let postgres = self.postgres.insert(postgres);
        let mail = Url::from_file_path(folder.join(MAIL));
        let mail = mail.map_err(|()| anyhow!("{} has no URL", folder.display()))?;
        let [auth_environment, shop_environment] = environments(options, &secrets, postgres, &mail);

        let auth = self.auth.insert(Process::start(AUTH, &auth_environment)?);
        step(AUTH, auth.ready(&http, options.auth_ops_port)).await?;
        let shop = self.shop.insert(Process::start(SHOP, &shop_environment)?);
        step(SHOP, shop.ready(&http, options.shop_ops_port)).await?;
        let (shop_url, auth_url) = (options.shop_url(), options.auth_url());
        let fill = demo::fill(&http, &shop_url, &auth_url, &secrets.passwords, &auth_environment);
        step("demo data", fill).await?;
        steps::done(&summary(options, &secrets, postgres));
        Ok(())
    }

    /// Returns when something ends that should not.
    async fn watch(&mut self) -> Result<()> {
        let (Some(auth), Some(shop)) = (&mut self.auth, &mut self.shop) else { return Ok(()) };
        tokio::select! {
            ended = auth.ended() => bail!("{ended}"),
            ended = shop.ended() => bail!("{ended}"),
        }
    }

    /// Those who call before those who are called.
    async fn down(self) {
        for mut service in [self.shop, self.auth].into_iter().flatten() {
            service.stop().await;
        }
        if let Some(postgres) = self.postgres
            && let Err(error) = postgres.stop().await
        {
            say(&format!("PostgreSQL: {error}"));
        }
    }
}

fn delete(folder: &Path) -> Result<()> {
    erase(&folder.join("postgres"))?;
    for below in ["secrets", MAIL] {
        match fs::remove_dir_all(folder.join(below)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot empty {}", folder.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn start_postgres(options: &Options, folder: &Path) -> Result<Server> {
    let wanted = PostgresOptions {
        port: options.postgres_port,
        ..PostgresOptions::durable(folder.join("postgres"))
    };
    let postgres = Server::start(wanted, |step| progress(&step.to_string())).await?;
    postgres.create_database_if_absent("auth").await?;
    postgres.create_database_if_absent("shop").await?;
    Ok(postgres)
}

/// What the services are started with: auth's, then the shop's.
fn environments(
    options: &Options,
    secrets: &Secrets,
    postgres: &Server,
    mail: &Url,
) -> [Environment; 2] {
    let both = |database: &str, port: u16, ops_port: u16| -> Environment {
        vec![
            ("LISTEN_ADDR", local(port).to_string().into()),
            ("OPS_ADDR", local(ops_port).to_string().into()),
            ("DATABASE_URL", postgres.url(database).into()),
            ("TOKEN_SECRETS_FILE", secrets.token.clone().into()),
            ("TOKEN_ISSUER", options.auth_url().into()),
            ("REGISTRATION_CLIENT_SECRET_FILE", secrets.registration.clone().into()),
        ]
    };
    let mut auth = both("auth", options.auth_port, options.auth_ops_port);
    // The shop's page logs in at the auth service, from whichever address it was opened.
    let origins = [options.shop_url(), format!("http://{}", local(options.shop_port))];
    auth.push(("CORS_ALLOWED_ORIGINS", origins.join(",").into()));
    let mut shop = both("shop", options.shop_port, options.shop_ops_port);
    shop.push(("AUTH_URL", OsString::from(format!("http://{}", local(options.auth_port)))));
    shop.push(("MAIL_URL", mail.as_str().into()));
    [auth, shop]
}

fn summary(options: &Options, secrets: &Secrets, postgres: &Server) -> String {
    let (shop, auth) = (options.shop_url(), options.auth_url());
    let (auth_ops, shop_ops) = (local(options.auth_ops_port), local(options.shop_ops_port));
    let (logins, customer_password) =
        (demo::logins(&secrets.passwords), &secrets.passwords.customer);
    let (version, port) = (postgres.version(), postgres.port());
    let folder = options.folder.as_deref().unwrap_or(Path::new(".dev"));
    let (mail, folder) = (folder.join(MAIL), folder.display());
    let mail = mail.display();
    format!(
        r#"
Latchkey runs.

  shop-service   {shop}   try it: {shop}/docs/
  auth-service   {auth}   try it: {auth}/docs/
  health, metrics   http://{shop_ops}/metrics   http://{auth_ops}/metrics
  PostgreSQL {version}   127.0.0.1:{port}, databases auth and shop
  mail to customers   {mail}

{logins}

Log in, look around, buy something:

  TOKEN=$(curl -s {auth}/login -d username={CUSTOMER} -d password={customer_password} | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s {shop}/user/me -H "Authorization: Bearer $TOKEN"
  curl -s {shop}/products/

Ctrl-C stops everything; the data stays in {folder} (cargo dev --fresh begins anew).
"#
    )
}
