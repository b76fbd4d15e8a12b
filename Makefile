# The one door: what people and CI run.
.PHONY: test ci
test:
	@./tests/run
ci: test
