//! How passwords are hashed.

use std::fmt;
use std::path::PathBuf;

use argon2::Params;
use chassis::config::Faults;
use clap::Args;
use proto::SecretList;

/// No hash may ask for more memory than this, a new one or a stored one: 1 GiB.
pub const MEMORY_MAX_KIB: u32 = 1024 * 1024;

/// The hashing section as it is given.
#[derive(Args)]
pub(super) struct HashingSettings {
    /// Memory of a password hash, in KiB
    #[arg(
        long,
        env = "ARGON2_MEMORY_KIB",
        global = true,
        default_value = "19456",
        value_name = "KIB"
    )]
    argon2_memory_kib: String,

    /// Passes of a password hash over its memory
    #[arg(
        long,
        env = "ARGON2_ITERATIONS",
        global = true,
        default_value = "2",
        value_name = "COUNT"
    )]
    argon2_iterations: String,

    /// Lanes of a password hash
    #[arg(
        long,
        env = "ARGON2_PARALLELISM",
        global = true,
        default_value = "1",
        value_name = "COUNT"
    )]
    argon2_parallelism: String,

    /// Secrets of every password hash, comma-separated: the first is in new ones, all verify
    #[arg(
        long,
        env = "PASSWORD_PEPPER",
        global = true,
        hide_env_values = true,
        value_name = "SECRETS"
    )]
    password_pepper: Option<String>,

    /// A file that holds PASSWORD_PEPPER
    #[arg(long, env = "PASSWORD_PEPPER_FILE", global = true, value_name = "FILE")]
    password_pepper_file: Option<PathBuf>,

    /// Password hashes computed at once [default: the number of cores]
    #[arg(long, env = "HASH_CONCURRENCY", global = true, value_name = "COUNT")]
    hash_concurrency: Option<String>,

    /// Password hashes that may wait; of more, some get a 503
    #[arg(long, env = "HASH_QUEUE", global = true, default_value = "256", value_name = "COUNT")]
    hash_queue: String,
}

/// The hashing section as it is used.
#[derive(Debug, Clone)]
pub struct HashingConfig {
    /// Argon2's parameters for new hashes.
    pub params: Params,
    /// Secrets that are not in the database: the first is in new hashes.
    pub pepper: Option<SecretList>,
    /// Hashes computed at once.
    pub concurrency: usize,
    /// Hashes that may wait.
    pub queue: usize,
}

impl HashingSettings {
    pub(super) fn read(&self, faults: &mut Faults) -> Option<HashingConfig> {
        let memory = faults.count("ARGON2_MEMORY_KIB", &self.argon2_memory_kib, "19456");
        let iterations = faults.count("ARGON2_ITERATIONS", &self.argon2_iterations, "2");
        let parallelism = faults.count("ARGON2_PARALLELISM", &self.argon2_parallelism, "1");
        let given = (self.password_pepper.as_deref(), self.password_pepper_file.as_deref());
        let example = "$(auth-service secret generate)";
        let pepper = faults.optional_secret("PASSWORD_PEPPER", given, example);
        let queue = faults.count("HASH_QUEUE", &self.hash_queue, "256");
        let concurrency = self.concurrency(faults);
        let params = match Params::new(memory?, iterations?, parallelism?, None) {
            Ok(params) if params.m_cost() > MEMORY_MAX_KIB => {
                faults.report("ARGON2_MEMORY_KIB", "must be at most 1048576, 1 GiB", "19456")
            }
            Ok(params) => Some(params),
            Err(error) => faults.report("ARGON2_MEMORY_KIB", error, "19456"),
        };
        Some(HashingConfig {
            params: params?,
            pepper: pepper?,
            concurrency: concurrency?,
            queue: queue?,
        })
    }

    /// Hashes computed at once.
    pub(super) fn concurrency(&self, faults: &mut Faults) -> Option<usize> {
        match self.hash_concurrency.as_deref() {
            None | Some("") => Some(cores()),
            Some(given) => faults.count("HASH_CONCURRENCY", given, "2"),
        }
    }
}

impl fmt::Debug for HashingSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingSettings")
            .field("argon2_memory_kib", &self.argon2_memory_kib)
            .field("argon2_iterations", &self.argon2_iterations)
            .field("argon2_parallelism", &self.argon2_parallelism)
            .finish_non_exhaustive()
    }
}

/// How many threads this machine, or this container, runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const PEPPER: &str = "a pepper of more than thirty-two bytes for tests";

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        hashing: HashingSettings,
    }

    fn settings(args: &[&str]) -> HashingSettings {
        Cli::parse_from([&["auth-service"], args].concat()).hashing
    }

    #[test]
    fn a_pepper_need_not_be_given() {
        let mut faults = Faults::default();

        let without = settings(&[]).read(&mut faults).unwrap();
        let with = settings(&["--password-pepper", PEPPER]).read(&mut faults).unwrap();

        assert!(without.pepper.is_none());
        assert_eq!(with.pepper.unwrap().first(), PEPPER.as_bytes());
    }

    #[test]
    fn a_hash_takes_a_gibibyte_at_most() {
        let read = |memory| {
            settings(&["--argon2-memory-kib", memory]).read(&mut Faults::default()).is_some()
        };

        assert!(read("1048576"));
        assert!(!read("1048577"));
    }

    #[test]
    fn an_unfit_pepper_is_a_fault_that_does_not_tell_it() {
        let mut faults = Faults::default();

        let read = settings(&["--password-pepper", "hunter2"]).read(&mut faults);

        assert!(read.is_none());
        let fault = faults.to_string();
        assert!(fault.starts_with("PASSWORD_PEPPER: entry 1 is shorter"), "{fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }

    #[test]
    fn a_pepper_is_never_printed() {
        let settings = settings(&["--password-pepper", PEPPER]);
        let config = settings.read(&mut Faults::default());

        let printed = format!("{settings:?} {config:?}");

        assert!(!printed.contains("thirty-two"), "{printed}");
    }
}
