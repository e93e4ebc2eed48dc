# Apus: build, run and test. `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c

BUILD_PACKAGES := libcoap3-dev libjemalloc-dev libsqlite3-dev libssl-dev pkg-config
TEST_PACKAGES := valgrind mosquitto mosquitto-clients libcoap3-bin node-mqtt openssl python3-venv
PYTHON_CLIENTS := aiocoap==0.4.17 aiomqtt==2.5.1 gmqtt==0.8.0 paho-mqtt==2.1.0 prometheus-client==0.26.0
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Installs what is missing of $(1), and says so. Debian starts a service it installs; policy-rc.d keeps a Mosquitto
# that is only here as a client and a yardstick from taking port 1883.
define install
	missing=()
	for package in $(1); do
	    dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package")
	done
	if [ "$${#missing[@]}" -gt 0 ]; then
	    echo "Installing Debian packages: $${missing[*]}"
	    $(SUDO) apt-get update -qq
	    policy=/usr/sbin/policy-rc.d
	    if [ ! -e "$$policy" ]; then
	        printf '#!/bin/sh\nexit 101\n' | $(SUDO) tee "$$policy" >/dev/null
	        $(SUDO) chmod +x "$$policy"
	        trap '$(SUDO) rm -f /usr/sbin/policy-rc.d' EXIT
	    fi
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null
	fi
endef

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: build ## Build a release and start the gateway on this machine's loopback (ARGS="--set mqtt.tcp.port=1884")
	@exec .build/release/apus serve $(ARGS)

# With Swift's libraries inside: calls into them, as there are several for each message, are not looked up, and the program runs where there is
# no Swift. Without a look for overlapping accesses at every access to what a class holds, SwiftNIO's included, which is an eighth of the
# instructions of a message that goes alone; the tests and the fuzzers are built with it.
RELEASE_FLAGS = -c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked \
    -Xswiftc -Xfrontend -Xswiftc -function-sections -Xswiftc -use-ld=lld
# With what is run often made for that (Tests/Profile), and with what such a message runs through side by side (Tests/Layout).
RELEASE = swift build $(RELEASE_FLAGS) -Xswiftc -Xfrontend -Xswiftc -ir-profile-use="$$PWD/$(COUNTS)" \
    -Xlinker --symbol-ordering-file="$$PWD/$(LAYOUT)" -Xlinker --no-warn-symbol-ordering
PROFILE = Fixtures/profile/counts.proftext
COUNTS = .build/counts.profdata
LAYOUT = Fixtures/layout/functions.txt

TOOLCHAIN = "$$(dirname "$$(realpath "$$(command -v swiftc)")")"

# As the compiler reads it. What was built by another is built anew: SwiftPM looks at the file's name only.
$(COUNTS): $(PROFILE)
	@mkdir -p .build
	rm -rf .build/release .build/*/release
	$(TOOLCHAIN)/llvm-profdata merge -sparse -o $@ $<

.PHONY: build
build: packages $(COUNTS) ## Build a release: .build/release/apus
	@$(RELEASE) --product apus
	$(check-layout)

# Names change with what they name and with the compiler; a few missing ones are no loss.
define check-layout
	nm .build/release/apus | awk -v list=$(LAYOUT) '{ has[$$3] } END {
	    while ((getline name < list) > 0) { count++; if (!(name in has)) missing++ }
	    if (missing > count / 5) print missing " of " count " functions in " list " are not in this release: make layout"
	}'
endef

.PHONY: layout
layout: build ## Write down which functions lie side by side in a release, in Fixtures/layout/functions.txt
	@$(call install,valgrind)
	Tests/Layout/functions.sh .build/release/apus > .build/functions.txt
	mv .build/functions.txt $(LAYOUT)
	rm .build/release/apus  # to be linked anew
	$(RELEASE) --product apus

.PHONY: profile
profile: packages ## Write down how often what is in a release runs, in Fixtures/profile/counts.proftext
	@swift build $(RELEASE_FLAGS) --scratch-path .build-profile -Xswiftc -Xfrontend -Xswiftc -ir-profile-generate \
	    -Xlinker -u__llvm_profile_runtime -Xlinker "$$($(TOOLCHAIN)/clang -print-file-name=libclang_rt.profile-$$(uname -m).a)" \
	    --product apus
	Tests/Profile/counts.sh .build-profile/release/apus > .build-profile/counts.proftext
	mv .build-profile/counts.proftext $(PROFILE)

.PHONY: test
test: test-packages .venv/.installed $(COUNTS) ## Run all tests, also those with real clients
	@$(build-cost)
	swift build --build-tests
	$(WIDTH) $(COST) swift test --skip-build 2>&1 | tee .build/test.log || { $(tell-failures); exit 1; }

# What failed, once more at the end of thousands of lines.
define tell-failures
	echo; echo "What failed (all that was printed: .build/test.log):"
	grep -aE '^(✘|↳|error:|.*(Fatal error|recorded an issue))' .build/test.log || tail -n 20 .build/test.log
endef

# Tests that start processes of their own starve each other when hundreds begin at once: this many run at a time.
WIDTH = SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2

# What the tests count instructions of. Debian's valgrind cannot read the debugging information of this compiler.
define build-cost
	$(RELEASE) --product cost
	strip --strip-debug -o .build/cost .build/release/cost
endef

# Where it is, and which compiler made it.
COST = TEST_COST_BINARY="$$PWD/.build/cost" TEST_COST_COMPILER="$$(swift --version 2>/dev/null | head -n 1), $$(uname -m)"

.PHONY: pin
pin: test-packages $(COUNTS) ## Write down what the hot paths cost now, in Fixtures/cost/pinned.tsv
	@$(build-cost)
	$(COST) TEST_PIN=1 swift test --filter CostTests.theNumbersArePinned

.PHONY: damage
damage: build ## Send the MQTT-SN gateway a million damaged datagrams, in the process and over UDP (the tests send twenty thousand)
	@APUS_LONG_TESTS=1 TEST_BINARY="$$PWD/.build/release/apus" swift test --no-parallel --filter 'MQTTSNTests.Damage'

.PHONY: certs
certs: ## Mint a test CA, a server and a client certificate into .certs, and say how to try them
	@$(call install,openssl)
	Tests/TestKit/certificates.sh .certs
	cat <<-'EOF'
	Certificates are in .certs: ca.pem, server.pem, client.pem (device-1) and their keys. To try them:

	  make run ARGS="--set mqtt.tls.enabled=true --set mqtt.wss.enabled=true \
	    --set tls.certificate_file=.certs/server.pem --set tls.key_file=.certs/server.key \
	    --set tls.client_ca_file=.certs/ca.pem --set mqtt.tls.client_certificate=optional --set mqtt.tls.certificate_username=cn"
	  mosquitto_sub -p 8883 --cafile .certs/ca.pem -v -t '#'
	  mosquitto_pub -p 8883 --cafile .certs/ca.pem --cert .certs/client.pem --key .certs/client.key -t home/hall -m 19.0
	EOF

# Beside it the least a broker has to do (Tests/Floor).
.build/relay: Tests/Floor/relay.c
	@mkdir -p .build
	@$(TOOLCHAIN)/clang -O2 -o $@ $<

.PHONY: bench
bench: build .build/relay ## Measure a release build beside Mosquitto and hold it to its budgets (ARGS="pairs" for rows whose names contain it)
	@$(call install,mosquitto)
	@.build/release/apus bench compare --floor .build/relay --json .build/bench.json $(ARGS)

FUZZ_TARGETS := codec websocket proxy
FUZZ_SECONDS := 60

# The toolchain's own swiftc would link libFuzzer's main in; so only the coverage is asked for, and the library is named.
.PHONY: fuzz
fuzz: packages ## Look for inputs that break a parser (FUZZ_SECONDS=60 for each, FUZZ_TARGETS="codec websocket proxy")
	@library="$$("$$(dirname "$$(realpath "$$(command -v swiftc)")")/clang" -print-file-name=libclang_rt.fuzzer_no_main-$$(uname -m).a)"
	APUS_FUZZ=1 swift build -c release --product fuzz --scratch-path .build-fuzz \
	    -Xswiftc -sanitize=address -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp \
	    -Xswiftc -assert-config -Xswiftc Debug -Xcc -fsanitize=fuzzer-no-link,address \
	    -Xlinker "$$library" -Xlinker -lstdc++
	for target in $(FUZZ_TARGETS); do
	    mkdir -p .build-fuzz/found
	    ASAN_OPTIONS=quarantine_size_mb=16 SWIFT_BACKTRACE=enable=no .build-fuzz/release/fuzz "$$target" ".build-fuzz/inputs-$$target" \
	        -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
	        -dict="Tests/Fuzz/$$target.dict" -artifact_prefix=".build-fuzz/found/$$target-"
	done

.PHONY: bench-restart
bench-restart: build ## Measure a restart with one million queued messages, and what each costs in memory
	@TEST_BINARY="$$PWD/.build/release/apus" TEST_BENCH=1 swift test --filter LongQueueTests

# At the moments of an earlier run: SEED, which each run prints.
KILLS ?= 200
.PHONY: chaos
chaos: build ## Kill a release build KILLS times (200) while clients publish and subscribe, also with losses of power
	@TEST_BINARY="$$PWD/.build/release/apus" TEST_CHAOS_KILLS=$(KILLS) TEST_CHAOS_SEED=$(SEED) swift test --filter ChaosTests

.PHONY: format
format: ## Format all Swift code in place
	@swift format --in-place --parallel --recursive Package.swift Sources Gateways Tests

.PHONY: packages
packages:
	@$(call install,$(BUILD_PACKAGES))

.PHONY: test-packages
test-packages:
	@$(call install,$(BUILD_PACKAGES) $(TEST_PACKAGES))

# Real MQTT and CoAP clients of other people's making, for the end-to-end tests.
.venv/.installed: Makefile | test-packages
	@echo "Installing Python clients into .venv: $(PYTHON_CLIENTS)"
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check $(PYTHON_CLIENTS)
	touch $@
