//! What both services must agree on: the shared secrets and whose tokens they are.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use proto::claims::PUBLIC_CLIENT;
use proto::{ClientId, SecretList};

use super::{BaseUrl, Faults};

/// The token section as it is given.
#[derive(Args)]
pub struct TokenSettings {
    /// Shared secrets, comma-separated: the first signs tokens, all verify them
    #[arg(
        long,
        env = "TOKEN_SECRETS",
        global = true,
        hide_env_values = true,
        value_name = "SECRETS"
    )]
    token_secrets: Option<String>,

    /// A file that holds TOKEN_SECRETS
    #[arg(long, env = "TOKEN_SECRETS_FILE", global = true, value_name = "FILE")]
    token_secrets_file: Option<PathBuf>,

    /// Who issues the tokens: the auth service's address as its clients know it
    #[arg(
        long,
        env = "TOKEN_ISSUER",
        global = true,
        default_value = "http://localhost:9000",
        value_name = "URL"
    )]
    token_issuer: String,

    /// For whom the tokens are
    #[arg(
        long,
        env = "TOKEN_AUDIENCE",
        global = true,
        default_value = "shop",
        value_name = "NAME"
    )]
    token_audience: String,

    /// The client by which the shop registers users
    #[arg(
        long,
        env = "REGISTRATION_CLIENT_ID",
        global = true,
        default_value = "shop-service",
        value_name = "ID"
    )]
    registration_client_id: String,

    /// That client's secrets, comma-separated: the shop sends the first, auth accepts all
    #[arg(
        long,
        env = "REGISTRATION_CLIENT_SECRET",
        global = true,
        hide_env_values = true,
        value_name = "SECRETS"
    )]
    registration_client_secret: Option<String>,

    /// A file that holds REGISTRATION_CLIENT_SECRET
    #[arg(long, env = "REGISTRATION_CLIENT_SECRET_FILE", global = true, value_name = "FILE")]
    registration_client_secret_file: Option<PathBuf>,
}

/// The token section as it is used.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The shared secrets.
    pub secrets: SecretList,
    /// The `iss` of every token.
    pub issuer: BaseUrl,
    /// The `aud` of every token.
    pub audience: String,
    /// The client by which the shop registers users.
    pub registration_client: RegistrationClient,
}

/// The client by which the shop registers users; it exists by configuration alone.
#[derive(Debug, Clone)]
pub struct RegistrationClient {
    /// Its client id.
    pub id: String,
    /// Its secrets.
    pub secrets: SecretList,
}

impl TokenSettings {
    /// The id of the registration client, for a command that needs no secrets.
    pub fn registration_client_id(&self) -> &str {
        &self.registration_client_id
    }

    /// Reads the section.
    pub fn read(&self, faults: &mut Faults) -> Option<TokenConfig> {
        let example = "$(auth-service secret generate)";
        let given = (self.token_secrets.as_deref(), self.token_secrets_file.as_deref());
        let secrets = faults.secret("TOKEN_SECRETS", given, example);
        let issuer = faults.parse("TOKEN_ISSUER", &self.token_issuer, "https://auth.example.com");
        let audience = match self.token_audience.trim() {
            "" => faults.report("TOKEN_AUDIENCE", "is empty", "shop"),
            audience => Some(audience.to_owned()),
        };
        let (id, example_id) = (&self.registration_client_id, "shop-service");
        let id: Option<ClientId> = match id.as_str() {
            PUBLIC_CLIENT => faults.report("REGISTRATION_CLIENT_ID", "is nobody's", example_id),
            id => faults.parse("REGISTRATION_CLIENT_ID", id, example_id),
        };
        let given = (
            self.registration_client_secret.as_deref(),
            self.registration_client_secret_file.as_deref(),
        );
        let client_secrets = faults.secret("REGISTRATION_CLIENT_SECRET", given, example);
        Some(TokenConfig {
            secrets: secrets?,
            issuer: issuer?,
            audience: audience?,
            registration_client: RegistrationClient {
                id: id?.to_string(),
                secrets: client_secrets?,
            },
        })
    }
}

impl fmt::Debug for TokenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings")
            .field("token_issuer", &self.token_issuer)
            .finish_non_exhaustive()
    }
}
