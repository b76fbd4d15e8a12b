# The one door: what people and CI run.
.PHONY: test ci bench
test:
	@./tests/run
ci: test

bench:
	cargo build --release
	BENCH_OUT=docs/benchmarks.table.md bench/run
