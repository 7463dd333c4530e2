use super::*;

/// A machine whose PostgreSQLs are the folders named, each with the
/// version it is given.
struct Machine(tempfile::TempDir);

impl Machine {
    fn with(installed: &[(&str, &str)]) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (folder, version) in installed {
            let folder = machine.at(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("initdb"), "").unwrap();
            fs::write(folder.join("postgres"), version).unwrap();
        }
        machine
    }

    fn at(&self, folder: &str) -> PathBuf {
        self.0.path().join(folder)
    }

    fn search(&self, pg_bin_dir: Option<&str>, path: &[&str]) -> Search {
        Search {
            pg_bin_dir: pg_bin_dir.map(|folder| self.at(folder).into_os_string()),
            path: Some(env::join_paths(path.iter().map(|folder| self.at(folder))).unwrap()),
            root: self.0.path().to_owned(),
            version_of: |program| Ok(fs::read_to_string(program).unwrap()),
        }
    }

    fn found(&self, search: &Search) -> Option<String> {
        let folder = search.run().unwrap()?.folder().to_owned();
        Some(folder.strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned())
    }
}

#[test]
fn pg_bin_dir_comes_before_path_and_path_before_the_usual_folders() {
    let machine = Machine::with(&[
        ("mine", "16.1"),
        ("tools", "17.2"),
        ("usr/lib/postgresql/18/bin", "18.0"),
    ]);

    let named = machine.found(&machine.search(Some("mine"), &["tools"]));
    let in_path = machine.found(&machine.search(None, &["empty", "tools"]));
    let usual = machine.found(&machine.search(None, &["empty"]));

    assert_eq!(named.as_deref(), Some("mine"));
    assert_eq!(in_path.as_deref(), Some("tools"));
    assert_eq!(usual.as_deref(), Some("usr/lib/postgresql/18/bin"));
}

#[test]
fn the_newest_of_the_usual_folders_is_taken_by_number() {
    let debian = Machine::with(&[
        ("usr/lib/postgresql/9/bin", "9.6"),
        ("usr/lib/postgresql/16/bin", "16.4"),
        ("usr/lib/postgresql/17/bin", "17.5"),
    ]);
    let homebrew = Machine::with(&[
        ("opt/homebrew/opt/postgresql@16/bin", "16.4"),
        ("opt/homebrew/opt/postgresql@17/bin", "17.5"),
    ]);

    let on_debian = debian.found(&debian.search(None, &[]));
    let on_a_mac = homebrew.found(&homebrew.search(None, &[]));

    assert_eq!(on_debian.as_deref(), Some("usr/lib/postgresql/17/bin"));
    assert_eq!(on_a_mac.as_deref(), Some("opt/homebrew/opt/postgresql@17/bin"));
}

#[test]
fn a_path_with_an_old_one_or_half_of_one_is_passed_over() {
    let machine = Machine::with(&[("old", "14.9"), ("half", "17.0"), ("good", "15.0")]);
    fs::remove_file(machine.at("half/initdb")).unwrap();

    let found = machine.found(&machine.search(None, &["old", "half", "good"]));

    assert_eq!(found.as_deref(), Some("good"));
}

#[test]
fn a_pg_bin_dir_without_initdb_is_an_error_that_says_so() {
    let machine = Machine::with(&[("half", "17.0"), ("good", "17.0")]);
    fs::remove_file(machine.at("half/initdb")).unwrap();

    let error = machine.search(Some("half"), &["good"]).run().unwrap_err().to_string();

    assert!(error.contains("no `initdb` in") && error.contains("PG_BIN_DIR"), "{error}");
}

#[test]
fn a_pg_bin_dir_with_postgresql_14_is_refused() {
    let machine = Machine::with(&[("old", "14.9"), ("good", "17.0")]);

    let error = machine.search(Some("old"), &["good"]).run().unwrap_err().to_string();

    assert!(error.contains("14.9") && error.contains("15 or newer"), "{error}");
}

#[test]
fn a_beta_counts_as_its_major_version() {
    assert_eq!((major("18beta1"), major("17.5"), major("devel")), (Some(18), Some(17), None));
}
