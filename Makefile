# The one door: what people and CI run. `make` alone says what there is.
.PHONY: help demo test versions check deny bench ci
help:
	@echo "make demo    a throwaway PostgreSQL with a sample shop, pgscrim before it, and a short tour"
	@echo "make test    every test; closes with one line: N passed, N failed"
	@echo "make versions  what depends on the server's version, on PostgreSQL 14 to 18; VERSIONS='14 18' names some"
	@echo "make check   format and lint"
	@echo "make deny    licences, sources and advisories of the dependencies (needs cargo-deny)"
	@echo "make bench   direct, PgBouncer and pgscrim side by side (needs pgbench and pgbouncer)"
	@echo "make fuzz    100,000 random statements against views by hand, then random bytes at every door"
	@echo "make ci      what .ci/run calls: check, deny where it can, test"

# A debug build: a third of a release build's time, and the parsers are optimised in it all the same. One test binary is built with it
# because Cargo then resolves features as `make test` does, and PostgreSQL's parser (two minutes) is not compiled a second time.
demo:
	@tests/prerequisites
	@echo "building (the first time takes some minutes: PostgreSQL's own parser is compiled too)"
	@cargo build --quiet --locked --bin pgscrim --test house
	@exec "$${CARGO_TARGET_DIR:-target}/debug/pgscrim" demo $(DEMO)

test:
	@tests/prerequisites
	@tests/run

# Server programs come from npm. All are tried, whatever fails.
VERSIONS ?= 14 15 16 17 18
ON_VERSIONS := floor masks writes documents witness attacks views turned conversations errors fence leaks composites own
versions:
	@tests/servers $(VERSIONS) && tests/run --test catalog --test lineage --test describe && failed=; for version in $(VERSIONS); do echo "PostgreSQL $$version"; \
	PGSCRIM_PG_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/servers/$$version/bin tests/run $(addprefix --test ,$(ON_VERSIONS)) || failed="$$failed $$version"; \
	done; [ -z "$$failed" ] || { echo "failed on PostgreSQL$$failed"; exit 1; }

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

deny:
	cargo deny --locked --workspace check

ci: check
	@if command -v cargo-deny >/dev/null; then $(MAKE) --no-print-directory deny; \
	else echo "cargo-deny is not here: tests/house holds licences, sources and doubles; advisories are not looked at"; fi
	@$(MAKE) --no-print-directory test

bench:
	cargo build --release -p pgscrim -p bench
	cargo bench -q -p pgscrim --bench masks
	cargo run -q --release -p bench --bin price
	cargo run -q --release -p bench --bin bench -- --write docs

# FUZZ_QUERIES random statements against views by hand and copies masked a second time, then hours of random bytes at every door; those need a
# nightly toolchain and cargo-fuzz. FUZZ_SECONDS is for each target, SEED says with which statements to begin.
FUZZ_QUERIES ?= 100000
FUZZ_SECONDS ?= 3600
FUZZ_TARGETS ?= frames startup yaml sql step
.PHONY: fuzz oracle
fuzz: oracle
	@cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "no nightly toolchain with cargo-fuzz: the doors are tried by tests/readers only"; exit 0; }; \
	for target in $(FUZZ_TARGETS); do cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 || exit 1; done

# A seventh of FUZZ_QUERIES each: the shop by four logins; the attacks' tables, views and stored copies; keyed masks; writes; what tells of rows. What is refused is told by reason.
oracle:
	@SEED=$${SEED:-1000000} GENERATED=$$(($(FUZZ_QUERIES) / 7)) cargo test -q --locked --workspace --lib \
	--test shop --test attacks --test keyed --test writes --test definitions --test leaks -- --nocapture random a_views_lineage

# PostgreSQL's own regression scripts through the proxy, from Debian's sources of the server that is here; REGRESS='join with' names some of them.
REGRESS ?=
.PHONY: regress
regress:
	@mkdir -p target/regress && cd target/regress && version=$$(dpkg-query -W -f '$${Package}=$${Version}\n' 'postgresql-[0-9]*' | grep -v '=$$' | sort -V | tail -1); \
	ls -d postgresql-*/src/test/regress >/dev/null 2>&1 || { apt-get source -q --download-only "$$version" && tar xf postgresql-*.orig.tar.*; } || \
	{ echo "the sources of $$version are not to be had: a deb-src line must stand in apt's sources"; exit 1; }
	cargo run -q --locked --release -p lab --bin regress -- "$$(ls -d $(CURDIR)/target/regress/postgresql-*/src/test/regress | tail -1)" $(REGRESS)

# Debian's sqlsmith as a governed login of the sample shop: SMITH='queries seed'.
SMITH ?= 10000 1
.PHONY: smith
smith:
	cargo run -q --locked --release -p lab --bin smith -- $(SMITH)

# Faults planted in the analysis, one at a time: which of them no test finds. MUTANTS='count seed', or MUTANTS='= number number' for these alone.
MUTANTS ?= 200 1
.PHONY: mutants
mutants:
	cargo run -q --locked -p mutants -- $(MUTANTS)
