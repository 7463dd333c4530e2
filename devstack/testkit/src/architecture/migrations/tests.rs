use super::*;

/// What is wrong with these migrations, V1 being of the first release.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let first = ("V1__first.sql", "CREATE TABLE users (id uuid PRIMARY KEY); DROP TABLE old;");
    for (name, text) in [&first].into_iter().chain(files) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    not_additive(folder.path(), 1)
}

fn in_second(sql: &str) -> Vec<String> {
    found(&[("V2__second.sql", sql)])
}

#[test]
fn what_only_adds_is_harmless() {
    for sql in [
        "-- Nothing; at all",
        "CREATE TABLE notes (id uuid PRIMARY KEY, text text NOT NULL CHECK (text <> ''));",
        "CREATE TABLE notes (id uuid); ALTER TABLE notes ADD CONSTRAINT n UNIQUE (id);
            CREATE UNIQUE INDEX i ON notes (id); INSERT INTO notes VALUES ('DROP TABLE users;')",
        "CREATE TABLE notes (by uuid REFERENCES users (id) ON DELETE CASCADE, id uuid)",
        "CREATE TABLE a (id uuid PRIMARY KEY); CREATE TABLE b (a uuid REFERENCES a (id), c text)",
        "create index notes_by_user on notes (user_id) where NOT hidden;",
        "LOCK TABLE users IN SHARE MODE; COMMENT ON TABLE users IS 'DROP TABLE users; it''s one';",
        "ALTER TABLE users ADD COLUMN nick text, ADD COLUMN age numeric(3, 0) NOT NULL DEFAULT 0",
        "ALTER TABLE users
            -- A comment; with '
            ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (f('a', b)) STORED;",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $body$ DROP TABLE users; $body$;",
        "/* DROP TABLE users; */ CREATE SEQUENCE numbers;",
    ] {
        assert_eq!(in_second(sql), [""; 0], "{sql}");
    }
}

#[test]
fn whatever_the_release_before_may_not_live_with_is_found() {
    for sql in [
        "DROP TABLE users;",
        "drop index users_by_name",
        "TRUNCATE users",
        "UPDATE users SET name = ''",
        "DELETE FROM users",
        "INSERT INTO users VALUES (1)",
        "ALTER TABLE users DROP COLUMN name",
        "ALTER TABLE \"users\" RENAME COLUMN name TO nick",
        "ALTER TABLE users RENAME TO people",
        "ALTER TABLE users ALTER COLUMN name TYPE varchar(9)",
        "ALTER TABLE users ALTER name SET NOT NULL",
        "ALTER TABLE users ALTER COLUMN name DROP DEFAULT",
        "ALTER TABLE users ADD COLUMN age int NOT NULL",
        "ALTER TABLE users ADD COLUMN nick text, ADD COLUMN age int NOT NULL",
        "ALTER TABLE users ADD COLUMN nick text UNIQUE",
        "ALTER TABLE users ADD COLUMN age int DEFAULT 0 CHECK (age < 200)",
        "ALTER TABLE users ADD COLUMN note uuid REFERENCES notes (id)",
        "ALTER TABLE users ADD CONSTRAINT users_name_check CHECK (name <> '') NOT VALID",
        "ALTER TABLE users DROP CONSTRAINT users_name_check",
        "CREATE UNIQUE INDEX users_name_key ON users (name)",
        "CREATE TABLE notes (user_id uuid REFERENCES users (id), text text)",
        "CREATE TABLE notes (a uuid REFERENCES users, b uuid REFERENCES users ON DELETE CASCADE)",
        "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "ALTER TYPE state ADD VALUE 'frozen'",
        "DO $$ BEGIN DROP TABLE users; END $$",
        "SELECT drop_everything()",
        "-- The release before:\nDROP TABLE users",
        "-- The release before: this is of another statement.\nLOCK TABLE users;\nDROP TABLE users",
        "DROP TABLE users; -- The release before: this comes too late.",
    ] {
        assert_eq!(in_second(sql).len(), 1, "{sql}: {:?}", in_second(sql));
    }
}

#[test]
fn it_is_told_where_and_what_to_do() {
    let found = in_second("-- Adds\nCREATE SEQUENCE s;\n\nALTER TABLE users\n  DROP COLUMN name;");

    let said = "V2__second.sql:4: ALTER TABLE USERS DROP COLUMN NAME: \
        say why it does no harm: -- The release before: …";
    assert_eq!(found, [said]);
}

#[test]
fn a_reason_lets_its_statement_pass_and_no_other() {
    let reason = "-- The release before: has not read it since 0.2.0.";

    assert_eq!(in_second(&format!("{reason}\nDROP TABLE old;")), [""; 0]);
    assert_eq!(in_second(&format!("DROP TABLE\n    {reason}\n    old;")), [""; 0]);
    let both = in_second(&format!("{reason}\nDROP TABLE old;\nDROP TABLE older;"));
    assert_eq!(both.len(), 1, "{both:?}");
}

#[test]
fn a_gap_between_the_numbers_is_found() {
    let found = found(&[("V3__third.sql", "")]);

    assert_eq!(found, ["V3__third.sql: is not V2, the next"]);
}
