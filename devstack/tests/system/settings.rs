//! That charts, compose and documents name the variables that the services accept: each of them,
//! and no other.

use std::collections::BTreeSet;
use std::fs;

use devstack_testkit::process::Program;

type Names = BTreeSet<String>;

/// Variables that are not a service's: of the system, of `cargo dev`, of Docker Compose.
const OF_OTHERS: [&str; 5] =
    ["COMPOSE_PROFILES", "LC_ALL", "PG_BIN_DIR", "POSTGRESQL_ARCHIVE_URL", "SSL_CERT_FILE"];

/// What `--help` names.
async fn accepted(service: &str) -> Names {
    let program = Program::new(env!("CARGO_BIN_EXE_devstack"));
    let help = program.args(&[service, "--help"]).run().await.stdout;
    let named = help.split("[env: ").skip(1);
    let names = named.map(|rest| rest.split([']', '=']).next().unwrap().to_owned());
    names.collect()
}

/// What a deployment must be able to set: a secret as a file, everything else as it is.
fn settable(accepted: &Names) -> Names {
    let has_file = |name: &&String| !accepted.contains(&format!("{name}_FILE"));
    accepted.iter().filter(has_file).cloned().collect()
}

/// Words that look like a variable: `LISTEN_ADDR`; not a shell's own, `$SHOP_DB`.
fn variables(text: &str) -> Names {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let is_variable = |word: &&str| {
        word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.ends_with(|c: char| c.is_ascii_uppercase())
            && !word.contains(|c: char| c.is_ascii_lowercase())
    };
    let words = text.split(|c| !is_of_name(c));
    words.filter(is_variable).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    let path = format!("{}/../{file}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder, one after the other.
fn all_in(folder: &str) -> String {
    let path = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.is_file()).map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[tokio::test]
async fn a_chart_can_set_every_variable_of_its_service_and_no_other() {
    let library = variables(&all_in("helm/latchkey/templates"));
    for service in ["auth-service", "shop-service"] {
        let accepted = accepted(service).await;
        assert!(accepted.len() > 20, "{accepted:?}");

        let own = variables(&all_in(&format!("helm/{service}/templates")));

        let set: Names = library.union(&own).cloned().collect();
        let missing: Names = settable(&accepted).difference(&set).cloned().collect();
        assert!(missing.is_empty(), "{service}'s chart cannot set {missing:?}");
        let unknown: Names = set.difference(&accepted).cloned().collect();
        assert!(unknown.is_empty(), "{service} knows nothing of {unknown:?}");
    }
}

#[tokio::test]
async fn compose_sets_what_the_services_know() {
    let compose = read("docker-compose.yml");
    for (name, service) in [("auth", "auth-service"), ("shop", "shop-service")] {
        let accepted = accepted(service).await;

        // From its name to the next one of the same depth.
        let of_it = compose.split(&format!("\n  {name}:\n")).nth(1).unwrap();
        let is_of_it = |line: &&str| line.is_empty() || line.starts_with("    ");
        let lines: Vec<&str> = of_it.lines().take_while(is_of_it).collect();
        let set = variables(&lines.join("\n"));

        assert!(set.len() > 4, "{name}: {set:?}");
        let unknown: Names = set.difference(&accepted).cloned().collect();
        assert!(unknown.is_empty(), "{service} knows nothing of {unknown:?}");
    }
}

#[tokio::test]
async fn the_readme_lists_every_variable_and_no_document_another() {
    let (auth, shop) = tokio::join!(accepted("auth-service"), accepted("shop-service"));
    let of_both: Names = auth.union(&shop).cloned().collect();
    let readme = read("README.md");

    let section = readme.split("\n## Configuration\n").nth(1).unwrap();
    let listed = variables(section.split("\n## ").next().unwrap());

    let has_file = |name: &String| of_both.contains(&format!("{name}_FILE"));
    let twin =
        |name: &&String| name.strip_suffix("_FILE").is_some_and(|of| has_file(&of.to_owned()));
    let missing: Names = of_both.difference(&listed).filter(|name| !twin(name)).cloned().collect();
    assert!(missing.is_empty(), "the README does not list {missing:?}");
    let documents = [readme, read("helm/README.md"), all_in("docs")].concat();
    let is_known = |name: &String| {
        of_both.contains(name) || name.starts_with("OTEL_") || OF_OTHERS.contains(&&**name)
    };
    let unknown: Vec<String> =
        variables(&documents).into_iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "no service knows {unknown:?}");
}
