//! A behaviour that holds on SQLite and on PostgreSQL.

/// Makes, of each function, a test on either database: `on_both! { Night: these and those }`.
macro_rules! on_both {
    ($kind:ident: $($name:ident)*) => {
        mod on_sqlite { $(#[test] fn $name() { super::$name(super::$kind::sqlite) })* }
        mod on_postgres { $(#[test] fn $name() { super::$name(super::$kind::postgres) })* }
    };
}
