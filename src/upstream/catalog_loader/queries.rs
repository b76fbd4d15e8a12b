//! The fixed texts that read a database's catalog. They run on the catalog login after [`PRELUDE`] has made the session's
//! settings known, so operators and types resolve in `pg_catalog`; every relation is qualified all the same, since the
//! temporary schema is searched first. Temporary relations of other sessions, TOAST tables and indexes are left out.
//!
//! Nothing of a client, a configuration or a policy gets into these texts: they are constants without parameters.

/// What `search_path` is before [`PRELUDE`] changes it, and which layer of settings it comes from. Runs first, so even its
/// operator is qualified.
pub(super) const OWN_SEARCH_PATH: &str =
    "SELECT source, reset_val FROM pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'search_path'";

/// Makes the session's settings known: names resolve in `pg_catalog`, definitions are printed in one way whatever the login's
/// settings are, nothing is written, and a lock held elsewhere (`pg_get_viewdef` locks what a view reads) ends the load rather
/// than hang it. JIT would cost a second on the wide queries.
pub(super) const PRELUDE: &str = "SET search_path TO pg_catalog; \
    SET default_transaction_read_only TO on; SET statement_timeout TO '30s'; SET lock_timeout TO '2s'; \
    SET idle_in_transaction_session_timeout TO '60s'; SET client_min_messages TO error; SET jit TO off; \
    SET max_parallel_workers_per_gather TO 0; SET row_security TO off; SET quote_all_identifiers TO off; \
    SET DateStyle TO 'ISO, YMD'; SET IntervalStyle TO postgres; SET TimeZone TO 'UTC'; SET bytea_output TO hex; \
    SET extra_float_digits TO 1; SET standard_conforming_strings TO on";

/// Opens the one snapshot that all queries of a load see.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Ends it.
pub(super) const COMMIT: &str = "COMMIT";

/// Ends it after an error, so that the connection can be used again.
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Database, version.
pub(super) const SERVER: &str = "SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_version_num')::pg_catalog.int4";

/// Schemas.
pub(super) const SCHEMAS: &str = r"SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_' ORDER BY oid";

/// Relations. The definition of a system view is left out: the shipped classification says what it is, and printing all of them
/// takes ten times as long as everything else here.
pub(super) const RELATIONS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.reltype, c.relrowsecurity, \
    c.relhasrules AND EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'), \
    c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) \
      OR c.oid IN (SELECT coalesce(i.indrelid, y.polrelid) FROM pg_catalog.pg_depend d \
        LEFT JOIN pg_catalog.pg_index i ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.indexrelid = d.objid \
        LEFT JOIN pg_catalog.pg_policy y ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND y.oid = d.objid \
        WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass) \
        AND d.refobjid >= 16384 AND (i.indexrelid IS NOT NULL OR y.oid IS NOT NULL)), \
    CASE WHEN c.relkind IN ('v', 'm') AND c.oid >= 16384 THEN pg_catalog.pg_get_viewdef(c.oid) END, \
    CASE WHEN c.relacl IS NULL THEN ARRAY[c.relowner] \
      ELSE ARRAY(SELECT a.grantee FROM pg_catalog.aclexplode(c.relacl) a WHERE a.privilege_type = 'SELECT' ORDER BY 1) END \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't' ORDER BY c.oid";

/// Triggers with what they run.
pub(super) const TRIGGERS: &str = "SELECT t.tgrelid, t.tgname, n.nspname, p.proname, l.lanname, p.prosrc \
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid \
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang \
    WHERE NOT t.tgisinternal ORDER BY t.tgrelid, t.tgname";

/// Live columns, with the expression of a default or of a generated column, the collation where it is not the database's, and the functions from
/// outside PostgreSQL that a default calls, also behind operators; where there is none, those of a domain's default.
pub(super) const COLUMNS: &str = "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attgenerated <> '', \
    pg_catalog.pg_get_expr(d.adbin, d.adrelid), n.nspname, l.collname, \
    CASE WHEN a.attgenerated = '' AND coalesce(d.oid, a.atttypid) >= 16384 THEN ARRAY(SELECT coalesce(o.oprcode::pg_catalog.oid, y.refobjid) FROM pg_catalog.pg_depend y \
      LEFT JOIN pg_catalog.pg_operator o \
        ON y.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = y.refobjid \
      WHERE y.classid = CASE WHEN d.oid IS NULL THEN 'pg_catalog.pg_type'::pg_catalog.regclass \
          ELSE 'pg_catalog.pg_attrdef'::pg_catalog.regclass END \
        AND y.objid = coalesce(d.oid, a.atttypid) AND y.refobjid >= 16384 \
        AND y.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass) ORDER BY 1) END \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND l.collprovider <> 'd' \
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace \
    LEFT JOIN pg_catalog.pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't' \
    ORDER BY a.attrelid, a.attnum";

/// Parents, in the order of `inhseqno`; a partition that is being detached still counts.
pub(super) const PARENTS: &str = "SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits ORDER BY inhrelid, inhseqno";

/// Constraints of tables (NOT NULL ones, which PostgreSQL 18 lists here too, stand in the columns), with the definition of those that check, and of
/// foreign keys that follow what they refer to.
pub(super) const CONSTRAINTS: &str = "SELECT k.conrelid, k.conname, k.contype, k.conkey, k.confrelid, \
    CASE WHEN k.contype = 'c' OR k.contype = 'f' AND k.confupdtype IN ('c', 'n', 'd') THEN pg_catalog.pg_get_constraintdef(k.oid) END \
    FROM pg_catalog.pg_constraint k WHERE k.conrelid <> 0 AND k.contype <> 'n' ORDER BY k.conrelid, k.conname, k.oid";

/// Unique indexes that are not behind a constraint: key columns (0 for an expression), and the whole definition where an
/// expression or a predicate makes it say less than its columns do.
pub(super) const UNIQUE_INDEXES: &str = "SELECT i.indrelid, x.relname, i.indkey::pg_catalog.int2[], i.indnkeyatts, \
    CASE WHEN i.indpred IS NOT NULL OR i.indexprs IS NOT NULL THEN pg_catalog.pg_get_indexdef(i.indexrelid) END \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
    WHERE i.indisunique AND i.indislive AND i.indrelid >= 16384 \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) \
    ORDER BY i.indrelid, x.relname";

/// Whose indexes are.
pub(super) const INDEXES: &str = "SELECT i.indrelid, n.nspname, c.relname \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE i.indrelid >= 16384 AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast' ORDER BY i.indexrelid";

/// What views read. Dependencies on catalogs (not on system views) are pinned, and so not recorded in `pg_depend`: these are
/// taken from the range tables in the rule's own tree, as whole relations. (`FirstUnpinnedObjectId` is 12000.)
pub(super) const VIEW_READS: &str = r"SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid::pg_catalog.int2
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
     AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    WHERE r.rulename = '_RETURN' AND r.ev_class >= 16384 AND d.refobjid <> r.ev_class
    UNION
    SELECT r.ev_class, m.found[1]::pg_catalog.oid, 0::pg_catalog.int2
    FROM pg_catalog.pg_rewrite r, LATERAL pg_catalog.regexp_matches(r.ev_action::pg_catalog.text, ':relid (\d+)', 'g') m (found)
    WHERE r.rulename = '_RETURN' AND r.ev_class >= 16384 AND m.found[1]::pg_catalog.oid BETWEEN 1 AND 11999
    ORDER BY 1, 2, 3";

/// Functions from outside PostgreSQL that views call, also behind operators.
pub(super) const VIEW_CALLS: &str = "SELECT r.ev_class, coalesce(o.oprcode::pg_catalog.oid, d.refobjid) \
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d \
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
     AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass) \
    LEFT JOIN pg_catalog.pg_operator o \
      ON d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass AND o.oid = d.refobjid \
    WHERE r.rulename = '_RETURN' AND r.ev_class >= 16384 AND coalesce(o.oprcode::pg_catalog.oid, d.refobjid) >= 16384 ORDER BY 1, 2";

/// Types. `typinput` tells a true array from the fixed-length types that only have an element (`int2vector`, `name`, `point`).
pub(super) const TYPES: &str = r"SELECT t.oid, n.nspname, t.typname,
    CASE WHEN t.typinput::pg_catalog.oid = 'pg_catalog.array_in'::pg_catalog.regproc::pg_catalog.oid THEN t.typelem ELSE 0::pg_catalog.oid END,
    t.typarray, t.typbasetype, t.typtypmod, t.typrelid, t.typtype,
    t.typinput::pg_catalog.oid >= 16384 OR t.typoutput::pg_catalog.oid >= 16384 OR t.typreceive::pg_catalog.oid >= 16384
      OR t.typsend::pg_catalog.oid >= 16384 OR t.typmodin::pg_catalog.oid >= 16384 OR t.typmodout::pg_catalog.oid >= 16384,
    ARRAY(SELECT k.conname::pg_catalog.text FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid ORDER BY 1)
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname !~ '^pg_(toast_)?temp_' ORDER BY t.oid";

/// Domains whose CHECK constraints or defaults call functions or operators from outside PostgreSQL.
pub(super) const FOREIGN_DOMAINS: &str = "SELECT k.contypid FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_depend d \
      ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid \
     AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass) \
    WHERE k.contypid <> 0 AND d.refobjid >= 16384 \
    UNION \
    SELECT d.objid FROM pg_catalog.pg_depend d \
    WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype = 'n' \
     AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass) ORDER BY 1";

/// Ranges with their subtype and multirange, and whether canonical or difference functions come from outside PostgreSQL.
pub(super) const RANGES: &str = "SELECT rngtypid, rngsubtype, rngmultitypid, \
    rngcanonical::pg_catalog.oid >= 16384 OR rngsubdiff::pg_catalog.oid >= 16384 FROM pg_catalog.pg_range ORDER BY rngtypid";

/// Functions of every kind, with the extension that owns them; the bodies of those in SQL (language 14) that act with their callers' rights;
/// of an aggregate, calls of those that it is made of.
pub(super) const FUNCTIONS: &str = r"SELECT p.oid, n.nspname, p.proname, p.prokind, p.pronargs, p.pronargdefaults, p.provariadic <> 0,
    p.proleakproof, p.proretset, p.prorettype, p.proargtypes::pg_catalog.oid[], p.proallargtypes, p.proargmodes, p.proargnames,
    p.provolatile, e.extname,
    CASE WHEN p.prolang = 14 AND p.prokind = 'f' AND NOT p.prosecdef AND p.oid >= 16384 AND e.extname IS NULL
      THEN CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE pg_catalog.pg_get_function_sqlbody(p.oid) END
      WHEN p.prokind = 'a' AND p.oid >= 16384 AND e.extname IS NULL THEN (
        SELECT pg_catalog.string_agg(pg_catalog.format('SELECT %I.%I(%s)', m.nspname, s.proname,
          pg_catalog.array_to_string(pg_catalog.array_fill('NULL'::pg_catalog.text, ARRAY[s.pronargs::pg_catalog.int4]), ', ')), '; ')
        FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc s ON s.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn,
          a.aggminvtransfn, a.aggmfinalfn) JOIN pg_catalog.pg_namespace m ON m.oid = s.pronamespace
        WHERE a.aggfnoid = p.oid AND s.prolang = 14 AND NOT s.prosecdef AND s.oid >= 16384) END,
    p.prosqlbody IS NOT NULL OR p.prokind = 'a', p.proisstrict, p.proconfig,
    p.proacl IS NULL OR EXISTS (SELECT FROM pg_catalog.aclexplode(p.proacl) a WHERE a.grantee = 0),
    CASE WHEN p.prolang NOT IN (12, 13) AND p.oid >= 16384 AND e.extname IS NULL THEN p.prosrc END
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE n.nspname !~ '^pg_(toast_)?temp_' ORDER BY p.oid";

/// Operators.
pub(super) const OPERATORS: &str = "SELECT o.oid, n.nspname, o.oprname, o.oprleft, o.oprright, o.oprresult, o.oprcode::pg_catalog.oid \
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace ORDER BY o.oid";

/// Casts with a function.
pub(super) const CASTS: &str =
    "SELECT castsource, casttarget, castfunc FROM pg_catalog.pg_cast WHERE castfunc <> 0 ORDER BY castsource, casttarget";

/// Types with the functions behind their operator classes that sort, compare and hash their values, where those are neither C nor an extension's.
/// Of PostgreSQL's own types only those that have their default from such a one: queries take no other.
pub(super) const SUPPORT: &str = "SELECT DISTINCT s.type, s.function FROM ( \
      SELECT p.amproclefttype, p.amproc::pg_catalog.oid FROM pg_catalog.pg_amproc p \
      UNION SELECT p.amprocrighttype, p.amproc::pg_catalog.oid FROM pg_catalog.pg_amproc p \
      UNION SELECT a.amoplefttype, o.oprcode::pg_catalog.oid FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr \
      UNION SELECT a.amoprighttype, o.oprcode::pg_catalog.oid FROM pg_catalog.pg_amop a JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr \
    ) s (type, function) JOIN pg_catalog.pg_proc f ON f.oid = s.function \
    WHERE f.oid >= 16384 AND f.prolang NOT IN (12, 13) \
    AND (s.type >= 16384 OR EXISTS (SELECT FROM pg_catalog.pg_opclass c WHERE c.oid >= 16384 AND c.opcdefault AND c.opcintype = s.type)) \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d \
      WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = f.oid AND d.deptype = 'e') ORDER BY 1, 2";

/// Roles.
pub(super) const ROLES: &str = "SELECT oid, rolname, rolcanlogin, rolsuper FROM pg_catalog.pg_roles ORDER BY oid";

/// Direct memberships, and the one that PostgreSQL grants without a row: a database's owner is in `pg_database_owner`.
pub(super) const MEMBERSHIPS: &str = "SELECT member, roleid FROM pg_catalog.pg_auth_members \
    UNION \
    SELECT d.datdba, r.oid FROM pg_catalog.pg_database d, pg_catalog.pg_roles r \
    WHERE d.datname = pg_catalog.current_database() AND r.rolname = 'pg_database_owner' ORDER BY 1, 2";

/// What roles and this database set by default. Custom parameters (with a dot) may hold secrets and mean nothing to the analysis.
pub(super) const SETTINGS: &str = "SELECT s.setrole, s.setdatabase, u.entry FROM pg_catalog.pg_db_role_setting s, \
    LATERAL pg_catalog.unnest(s.setconfig) u (entry) \
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) \
    AND pg_catalog.strpos(pg_catalog.split_part(u.entry, '=', 1), '.') = 0 ORDER BY s.setrole, s.setdatabase, u.entry";

/// Whether anything at all can have changed: the transactions that a snapshot of now sees, and the file's `search_path`.
/// Equal answers mean that no transaction has ended in between. Costs a millisecond.
pub(super) const GATE: &str = "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text, reset_val FROM pg_catalog.pg_settings \
    WHERE name = 'search_path'";

/// Everything that the other queries read, as one text that changes when any of it does. Each change of a catalog makes rows
/// with a transaction number that none had before, or takes rows away, so an equal count and an equal sum of hashed numbers mean
/// equal rows (in-place updates, which keep the number, touch statistics only). Temporary relations come and go without meaning
/// anything here. `pg_authid` is not readable, so roles are hashed by what `pg_roles` shows of them.
pub(super) const MARK: &str = r"WITH temporary AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_class WHERE relpersistence = 't'),
    temporary_schema AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_'),
    rows (source, x) AS (
      SELECT 1, xmin FROM pg_catalog.pg_namespace WHERE oid NOT IN (TABLE temporary_schema)
      UNION ALL SELECT 2, xmin FROM pg_catalog.pg_class WHERE relpersistence <> 't'
      UNION ALL SELECT 3, xmin FROM pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid NOT IN (TABLE temporary)
      UNION ALL SELECT 4, xmin FROM pg_catalog.pg_attrdef WHERE adrelid NOT IN (TABLE temporary)
      UNION ALL SELECT 5, xmin FROM pg_catalog.pg_inherits
      UNION ALL SELECT 6, xmin FROM pg_catalog.pg_constraint WHERE conrelid NOT IN (TABLE temporary)
      UNION ALL SELECT 7, xmin FROM pg_catalog.pg_index WHERE indrelid NOT IN (TABLE temporary)
      UNION ALL SELECT 8, xmin FROM pg_catalog.pg_rewrite WHERE ev_class NOT IN (TABLE temporary)
      UNION ALL SELECT 9, xmin FROM pg_catalog.pg_trigger WHERE tgrelid NOT IN (TABLE temporary)
      UNION ALL SELECT 10, xmin FROM pg_catalog.pg_type WHERE typnamespace NOT IN (TABLE temporary_schema)
      UNION ALL SELECT 11, xmin FROM pg_catalog.pg_range
      UNION ALL SELECT 12, xmin FROM pg_catalog.pg_proc WHERE pronamespace NOT IN (TABLE temporary_schema)
      UNION ALL SELECT 13, xmin FROM pg_catalog.pg_operator
      UNION ALL SELECT 14, xmin FROM pg_catalog.pg_cast
      UNION ALL SELECT 15, xmin FROM pg_catalog.pg_extension
      UNION ALL SELECT 16, xmin FROM pg_catalog.pg_depend WHERE deptype = 'e'
      UNION ALL SELECT 17, xmin FROM pg_catalog.pg_auth_members
      UNION ALL SELECT 18, xmin FROM pg_catalog.pg_db_role_setting
      UNION ALL SELECT 19, xmin FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
      UNION ALL SELECT 20, xmin FROM pg_catalog.pg_amproc
      UNION ALL SELECT 21, xmin FROM pg_catalog.pg_amop),
    counted AS (SELECT source, pg_catalog.count(*) AS rows, pg_catalog.sum(pg_catalog.hashtextextended(x::pg_catalog.text, 0)) AS hash
      FROM rows GROUP BY source)
    SELECT (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(':', source, rows, hash), ' ' ORDER BY source) FROM counted),
      (SELECT pg_catalog.concat_ws(':', pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(
         pg_catalog.concat_ws(',', oid, rolname, rolcanlogin, rolsuper), 0))) FROM pg_catalog.pg_roles)";
