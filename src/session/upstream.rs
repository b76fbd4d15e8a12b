//! The only writer of the server's buffer. Text needs a permit; what carries neither text nor data of the client does not.
// INVARIANT 4: nothing else in the crate appends to that buffer after log-in.

use super::WireName;
use super::asking::Turned;
use super::open::BETWEEN;
use crate::plan::Permit;
use crate::wire::{Build, Frame, client};

/// A statement that always fails in the server and touches nothing: it stands where a refused one stood, so that abort, skip
/// to Sync, order and transaction status come true by themselves. It passes the grammar, so that an aborted transaction
/// answers it with 25P02 as it would have answered the client's own.
const FAIL_ON_PURPOSE: &[u8] = b"SELECT pg_catalog.pgscrim_refused_this_statement()";

/// What the proxy asks on a session's own connection: where names resolve, and the relations that only this session has.
const ASK_NAMES: &[u8] = b"SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text, \
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(c.relname, c.oid::pg_catalog.int8, c.reltype::pg_catalog.int8, \
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(a.attnum, a.attname, a.atttypid::pg_catalog.int8, a.atttypmod) \
    ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid \
    AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped), \
    c.relkind OPERATOR(pg_catalog.=) 'S'::pg_catalog.\"char\"))::pg_catalog.text FROM pg_catalog.pg_class c \
    WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() \
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,S}'::pg_catalog.\"char\"[]))";
/// The name of the proxy's own statement and portal while it asks.
const ASK_NAME: &[u8] = b"pgscrim asks";

/// The name of the proxy's own statement while it asks for a COPY's columns.
const COPY_NAME: &[u8] = b"pgscrim copies";

/// Messages without text and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Sync,
    Flush,
    Terminate,
}

/// Writes to the server's buffer.
#[derive(Debug)]
pub(super) struct Upstream<'b>(&'b mut Vec<u8>);

impl<'b> Upstream<'b> {
    pub(super) fn new(buffer: &'b mut Vec<u8>) -> Self {
        Self(buffer)
    }

    /// A simple query of one or more permitted statements; none gives the empty query.
    pub(super) fn query<'p>(&mut self, permits: impl Iterator<Item = &'p Permit>) {
        let mut frame = Build::new(self.0, client::QUERY);
        for (i, permit) in permits.enumerate() {
            if i > 0 {
                frame = frame.bytes(BETWEEN.as_bytes());
            }
            frame = frame.bytes(permit.text().as_bytes());
        }
        frame.byte(0).end();
    }

    /// The proxy's own question, in the extended protocol: within a client's batch it must not end the implicit transaction.
    pub(super) fn ask(&mut self) {
        Build::new(self.0, client::PARSE).cstr(ASK_NAME).cstr(ASK_NAMES).i16(0).end();
        Build::new(self.0, client::BIND).cstr(ASK_NAME).cstr(ASK_NAME).i16(0).i16(0).i16(0).end();
        Build::new(self.0, client::EXECUTE).cstr(ASK_NAME).i32(0).end();
        // Within a transaction the portal would be in the way of the next question.
        Build::new(self.0, client::CLOSE).byte(b'P').cstr(ASK_NAME).end();
        Build::new(self.0, client::CLOSE).byte(b'S').cstr(ASK_NAME).end();
    }

    /// Asks what a permitted COPY's rows come from: the query is described and never run.
    pub(super) fn describe_copied(&mut self, permit: &Permit) {
        let Some(text) = permit.copied() else { return };
        Build::new(self.0, client::PARSE).cstr(COPY_NAME).cstr(text.as_bytes()).i16(0).end();
        Build::new(self.0, client::DESCRIBE).byte(b'S').cstr(COPY_NAME).end();
        Build::new(self.0, client::CLOSE).byte(b'S').cstr(COPY_NAME).end();
    }

    /// A Parse of a permitted statement, or of the empty one.
    pub(super) fn parse(&mut self, name: &[u8], permit: Option<&Permit>, types: &[u8]) {
        let text = permit.map_or("", Permit::text);
        Build::new(self.0, client::PARSE).cstr(name).cstr(text.as_bytes()).bytes(types).end();
    }

    /// Stands in the place of a refused Query.
    pub(super) fn fail_query(&mut self) {
        Build::new(self.0, client::QUERY).cstr(FAIL_ON_PURPOSE).end();
    }

    /// Stands in the place of a refused Parse, Bind or Execute. It bears the refused name, so that a nameless one still ends
    /// the nameless statement before it, as PostgreSQL does.
    pub(super) fn fail_parse(&mut self, name: &[u8]) {
        Build::new(self.0, client::PARSE).cstr(name).cstr(FAIL_ON_PURPOSE).i16(0).end();
    }

    /// A Bind, Describe, Execute or Close that names what was permitted before: it carries values, never a text to run.
    pub(super) fn named(&mut self, frame: Frame<'_>) {
        debug_assert!(matches!(frame.tag, client::BIND | client::DESCRIBE | client::EXECUTE | client::CLOSE));
        self.0.extend_from_slice(frame.whole);
    }

    /// A Bind of these names and values, whose rows come in these formats.
    pub(super) fn bind(&mut self, names_and_values: &[u8], formats: &[u8]) {
        Build::new(self.0, client::BIND).bytes(names_and_values).bytes(formats).end();
    }

    /// The statements of a query string with parameters of the proxy's own, and its questions before what is copied. They are as nameless as they would be in the string, and leave
    /// nothing behind where none fails.
    pub(super) fn batch(&mut self, statements: &[Turned<'_>]) {
        for (permit, types, names_and_values) in statements {
            self.describe_copied(permit);
            self.parse(b"", Some(permit), types);
            self.bind(names_and_values, &[0, 0]);
            Build::new(self.0, client::DESCRIBE).byte(b'P').cstr(b"").end();
            self.execute_whole(b"");
            Build::new(self.0, client::CLOSE).byte(b'P').cstr(b"").end();
            Build::new(self.0, client::CLOSE).byte(b'S').cstr(b"").end();
        }
        self.control(Control::Sync);
    }

    /// An Execute of a statement that runs to its end, whatever the client would have of it.
    pub(super) fn execute_whole(&mut self, name: &[u8]) {
        Build::new(self.0, client::EXECUTE).cstr(name).i32(0).end();
    }

    /// A Describe of the proxy's own.
    pub(super) fn describe_portal(&mut self, name: &WireName) {
        Build::new(self.0, client::DESCRIBE).byte(b'P').cstr(name).end();
    }

    /// Data for a COPY that was permitted, in whole frames or pieces of one; the server ignores it where none runs.
    pub(super) fn copy_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Ends the data of a COPY: it fails.
    pub(super) fn fail_copy(&mut self) {
        Build::new(self.0, client::COPY_FAIL).cstr(b"broken off").end();
    }

    pub(super) fn control(&mut self, control: Control) {
        let tag = match control {
            Control::Sync => client::SYNC,
            Control::Flush => client::FLUSH,
            Control::Terminate => client::TERMINATE,
        };
        Build::new(self.0, tag).end();
    }

    /// Byte for byte, for an unrestricted principal alone.
    pub(super) fn raw(&mut self, who: &Unrestricted, bytes: &[u8]) {
        let Unrestricted(()) = who;
        self.0.extend_from_slice(bytes);
    }
}

/// Proof that the principal is unrestricted.
#[derive(Debug)]
pub(super) struct Unrestricted(());

impl Unrestricted {
    pub(super) fn of(profile: &crate::policy::Profile) -> Option<Self> {
        profile.unrestricted.then_some(Self(()))
    }
}
