# Build, check and install the ev tools.  GNU make and a C11 compiler; Tcl to test.
#
#   make                     the tools and the library, in build/
#   make check               every test that fits ten minutes (TESTS="word ..." selects;
#                            TESTS=lossless RECORDS=100000 sends many records through pipes)
#   make unit tidy           parts of it (unit takes TESTS, too)
#   make docs                refresh completions/ and the option lists in man/
#   make demo                the tools at work on a directory, for the eye
#   make install             PREFIX=/usr/local DESTDIR=
#   make bench               how fast it is: NAME="L1 L3", BYTES=100M for a quick look, RUNS=9
#   make interop             with Apache Kafka itself: KAFKA_JARS=a folder of its jars, or KAFKA_HOME
#   make torture             crash and simulation tests for long: SEEDS=100000 SECONDS=3600, or SEED=7
#   make pipelines           what users build of the tools, for long: LINES=1000000 SECONDS=300
#   make fuzz                every fuzzer for SECONDS=600 each, or one: NAME=batch
#   make coverage            branches that no unit test takes, NAME="txn" or other folders
#
#   CC=clang BUILD=DIR       another compiler; another place to build in
#   SANITIZE=address,undefined   or thread; builds in a folder of its own
#   DEVELOPER=1 V=1          warnings are errors; show the commands

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
CFLAGS  ?= -O2 -g
TCLSH   ?= tclsh
CLANG   ?= clang
PKG_CONFIG ?= pkg-config
comma   := ,
BUILD   ?= build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))
VERSION := $(shell sed -n 's/^.define EVL_VERSION "\(.*\)"/\1/p' libengine/include/evl/version.h)

WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wvla -Wformat=2
MODE     = -std=c11 -D_GNU_SOURCE -fvisibility=hidden -ffunction-sections -fdata-sections \
           -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=. -pthread -MMD -MP
ifdef DEVELOPER
WARN    += -Werror
endif

# A build for users is hardened, as far as the compiler can; one for tests is
# sanitized, and hardening would hide from the sanitizers what they look for.
ifdef SANITIZE
MODE    += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
LINK     = -fsanitize=$(SANITIZE)
else
MODE    += -fPIE $(HARDEN) $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
LINK     = -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifneq ($(MAKECMDGOALS),clean)
-include $(BUILD)/harden.mk
endif
endif
HARDEN_WISHES = -fstack-protector-strong -fstack-clash-protection -fcf-protection \
           -ftrivial-auto-var-init=zero -fno-strict-overflow

# A codec that this machine lacks is an error when somebody needs it, not here.
# Without msgpack (which has two names) or jansson there is nothing to build.
codec    = $(shell $(PKG_CONFIG) --exists $1 && echo $1)
CODECS  := $(call codec,zlib) $(call codec,libzstd) $(call codec,liblz4)
MSGPACK := $(firstword $(call codec,msgpack-c) $(call codec,msgpack))
NEEDS   := $(or $(MSGPACK),msgpack) jansson
LACKS   := $(strip $(foreach n,$(NEEDS),$(if $(call codec,$n),,$n)))
HAVE     = $(patsubst zlib,-DHAVE_ZLIB,$(patsubst libzstd,-DHAVE_ZSTD,$(patsubst liblz4,-DHAVE_LZ4,\
           $(CODECS)))) $(if $(LACKS),,$(shell $(PKG_CONFIG) --cflags $(CODECS) $(NEEDS)))
LDLIBS   = $(if $(LACKS),,$(shell $(PKG_CONFIG) --libs $(CODECS) $(NEEDS))) -lpthread
HAVE    := $(HAVE)
LDLIBS  := $(LDLIBS)
TCL     := $(firstword $(call codec,tcl8.6) $(call codec,tcl))

LAYERS  := $(shell sed -n 's/^\([a-z][a-z]*\).*/\1/p' libengine/LAYERS)
ENGINE  := $(foreach d,$(LAYERS),$(wildcard libengine/$d/*.c))
MAINS   := $(wildcard cmd/ev*.c)
TOOLS   := $(foreach m,$(MAINS:cmd/%.c=%),$(if $(findstring _,$m),,$m))
SHARED  := $(filter-out $(MAINS),$(wildcard cmd/*.c))
UNITS   := $(wildcard tests/unit/*.c)
FIXTURE := $(wildcard tests/testfixture/*.c)
TORTURE := $(wildcard tests/sim/*.c)
WORKLOAD := tests/checker/workload.c $(wildcard tests/checker/workload_*.c)
CHECKER := $(filter-out $(WORKLOAD),$(wildcard tests/checker/*.c))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/bench_*.c))
METERS  := lines stopwatch lag transact
FUZZ    ?= $(BUILD)/replay
objects  = $(1:%.c=$(BUILD)/%.o)

all: $(TOOLS:%=$(BUILD)/%) $(BUILD)/libengine.a
all-tests: all $(BUILD)/unit $(BUILD)/testfixture $(BUILD)/torture $(BUILD)/worker $(BUILD)/checker \
        $(BUILD)/workload $(FUZZERS:%=$(FUZZ)/%)

# The engine as users get it, and as tests get it: with the planted bugs that
# tests switch on to prove that they would see them (base/plant.h).
$(BUILD)/libengine.a: $(call objects,$(ENGINE))
$(BUILD)/planted/libengine.a: $(ENGINE:%.c=$(BUILD)/planted/%.o)

# A tool is its own file, its commands (evtopic_*.c), what tools share, and the engine.
tool     = $(call objects,cmd/$1.c $(wildcard cmd/$1_*.c) $(SHARED)) $(BUILD)/libengine.a
$(foreach t,$(TOOLS),$(eval $(BUILD)/$t: $(call tool,$t)))

$(BUILD)/unit: $(call objects,$(UNITS)) $(BUILD)/planted/libengine.a
$(BUILD)/torture: $(call objects,$(TORTURE)) $(BUILD)/planted/libengine.a
$(BUILD)/worker: $(call objects,tests/crash/worker.c) $(BUILD)/libengine.a
$(BUILD)/checker: $(call objects,$(CHECKER)) $(BUILD)/libengine.a
$(BUILD)/workload: $(call objects,$(WORKLOAD) tests/checker/events.c) $(BUILD)/libengine.a
$(BUILD)/testfixture: $(call objects,$(FIXTURE)) $(BUILD)/planted/libengine.a
$(BUILD)/testfixture: private MORE = $(shell $(PKG_CONFIG) --libs $(TCL))

$(BENCHES:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/tests/bench/%.o $(BUILD)/libengine.a

# What the benchmarks measure with; one of them is preloaded into the tools.
$(METERS:%=$(BUILD)/bench/%): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
$(BUILD)/bench/transact: $(BUILD)/libengine.a
$(BUILD)/bench/mallocs.so: tests/bench/mallocs.c
	@mkdir -p $(@D)
	$(say) LD $@
	$(q)$(CC) $(filter-out -fPIE,$(MODE)) $(WARN) $(CFLAGS) -fPIC -shared -o $@ $<

# Each fuzzer is built twice: by `make fuzz` with libFuzzer, which searches, and
# by `make check` with replay.c and any compiler, which runs what was found.
$(FUZZERS:%=$(FUZZ)/%): $(FUZZ)/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/planted/libengine.a \
        $(if $(LIBFUZZER),,$(BUILD)/tests/fuzz/replay.o)
$(FUZZERS:%=$(FUZZ)/%): private MORE = $(if $(LIBFUZZER),-fsanitize=fuzzer)

# The include paths are the first law of the house: a tool sees only the public headers.
$(BUILD)/cmd/%.o:               INCLUDE = -Ilibengine/include
$(BUILD)/libengine/%.o:         INCLUDE = -Ilibengine/include -Ilibengine
$(BUILD)/planted/libengine/%.o: INCLUDE = -Ilibengine/include -Ilibengine -DPLANTED
$(BUILD)/tests/%.o:             INCLUDE = -Ilibengine/include -Ilibengine -Itests -Itests/unit -DPLANTED
$(BUILD)/tests/bench/%.o:       INCLUDE = -Ilibengine/include -Ilibengine
$(BUILD)/tests/testfixture/%.o: INCLUDE = -Ilibengine/include -Ilibengine -Itests -DPLANTED \
                                          $(patsubst -I%,-isystem%,$(shell $(PKG_CONFIG) --cflags $(TCL)))
$(BUILD)/tests/testfixture/%.o: | tcl

define compile
	@mkdir -p $(@D)
	$(say) CC $@
	$(q)$(CC) $(MODE) $(WARN) $(INCLUDE) $(HAVE) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
endef
$(BUILD)/%.o: %.c | libraries
	$(compile)
$(BUILD)/planted/%.o: %.c | libraries
	$(compile)
$(BUILD)/%.a:
	@mkdir -p $(@D)
	$(say) AR $@
	$(q)rm -f $@; $(AR) rcs $@ $^
$(TOOLS:%=$(BUILD)/%) $(BENCHES:%=$(BUILD)/%) $(METERS:%=$(BUILD)/bench/%) $(BUILD)/unit $(BUILD)/torture $(BUILD)/worker \
$(BUILD)/checker $(BUILD)/workload $(BUILD)/testfixture $(FUZZERS:%=$(FUZZ)/%):
	@mkdir -p $(@D)
	$(say) LD $@
	$(q)$(CC) $(LINK) $(LDFLAGS) -pthread -Wl,--gc-sections -o $@ $^ $(MORE) $(LDLIBS)
$(BUILD)/harden.mk: Makefile
	@mkdir -p $(@D)
	@for f in $(HARDEN_WISHES); do $(CC) -Werror $$f -x c -c -o /dev/null /dev/null 2>/dev/null && \
	    flags="$$flags $$f"; done; echo "HARDEN =$$flags" >$@

libraries:
	@$(if $(LACKS),echo "not found by $(PKG_CONFIG): $(LACKS);" \
	    "packaging/quickstart installs what is needed" >&2; exit 1)
tcl:
	@$(if $(TCL),,echo "not found by $(PKG_CONFIG): tcl, which the tests need;" \
	    "packaging/quickstart test installs it" >&2; exit 1)

# What is above makes things; what is below uses them.
RUN      = BUILD=$(BUILD) CC="$(CC)" SANITIZE=$(SANITIZE) SEEDS=$(SEEDS) SEED=$(SEED) SECONDS=$(SECONDS) \
           LINES=$(LINES) $(TCLSH) tests/run.tcl
check: all-tests
	$(q)$(RUN) $(FOLDERS:%=--folder=%) $(TESTS)
torture: all-tests
	$(q)$(RUN) --long --folder=crash --folder=sim --folder=checker $(TESTS)
pipelines: all-tests
	$(q)$(RUN) --long --folder=pipelines $(TESTS)
interop: all-tests
	$(q)$(RUN) --long --folder=interop $(TESTS)
bench: all $(BENCHES:%=$(BUILD)/%) $(METERS:%=$(BUILD)/bench/%) $(BUILD)/bench/mallocs.so
	$(q)BUILD=$(BUILD) BYTES=$(BYTES) RUNS=$(RUNS) $(TCLSH) tests/bench/bench.tcl $(NAME)
unit: $(BUILD)/unit
	$(q)$(BUILD)/unit $(TESTS)
tidy: all
	$(q)BUILD=$(BUILD) CC="$(CC)" $(TCLSH) tests/tidy.tcl
docs: all
	$(q)BUILD=$(BUILD) $(TCLSH) tests/docs.tcl --write
demo: all
	$(q)PATH="$(abspath $(BUILD)):$$PATH" packaging/demo

fuzz:
	$(q)$(MAKE) CC=$(CLANG) BUILD=build/fuzz/objects FUZZ=build/fuzz LIBFUZZER=1 \
	    SANITIZE=fuzzer-no-link,address,undefined fuzzers
	$(q)for n in $(or $(NAME),$(FUZZERS)); do mkdir -p build/fuzz/corpus/$$n tests/fuzz/corpus/$$n; \
	    build/fuzz/$$n -max_total_time=$(or $(SECONDS),600) -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ \
	    build/fuzz/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done
fuzzers: $(FUZZERS:%=$(FUZZ)/%)

coverage:
	$(q)$(MAKE) CC=gcc BUILD=build/coverage CFLAGS="-O0 -g --coverage -Wno-maybe-uninitialized" LDFLAGS=--coverage build/coverage/unit
	$(q)rm -f $$(find build/coverage -name '*.gcda')
	$(q)build/coverage/unit $(TESTS) | grep -v '^ok'
	$(q)BUILD=build/coverage $(TCLSH) tests/coverage.tcl $(or $(NAME),txn)

# install and uninstall are one list: $(call put,FOLDER,FILES,MODE) puts or takes away.
put      = $(q)$(if $(filter uninstall,$@),rm -f $(addprefix $(DESTDIR)$1/,$(notdir $2)),\
           $(if $2,install -d $(DESTDIR)$1 && install -m $3 $2 $(DESTDIR)$1))
SHARE    = $(PREFIX)/share
install uninstall: all $(BUILD)/libengine.pc
	$(call put,$(PREFIX)/bin,$(TOOLS:%=$(BUILD)/%),755)
	$(call put,$(SHARE)/man/man1,$(wildcard man/*.1),644)
	$(call put,$(SHARE)/man/man5,$(wildcard man/*.5),644)
	$(call put,$(SHARE)/man/man7,$(wildcard man/*.7),644)
	$(call put,$(SHARE)/bash-completion/completions,$(wildcard completions/bash/*),644)
	$(call put,$(SHARE)/zsh/site-functions,$(wildcard completions/zsh/*),644)
	$(call put,$(SHARE)/fish/vendor_completions.d,$(wildcard completions/fish/*),644)
	$(call put,$(PREFIX)/include/evl,$(wildcard libengine/include/evl/*),644)
	$(call put,$(LIBDIR),$(BUILD)/libengine.a,644)
	$(call put,$(LIBDIR)/pkgconfig,$(BUILD)/libengine.pc,644)
$(BUILD)/libengine.pc:
	@mkdir -p $(@D)
	$(q)printf '%s\n' 'Name: libengine' 'Description: an event log in a directory' \
	    'Version: $(VERSION)' 'Requires.private: $(CODECS) $(NEEDS)' 'Cflags: -I$(PREFIX)/include' \
	    'Libs: -L$(LIBDIR) -lengine -lpthread' >$@

clean:
	rm -rf $(BUILD)

q    = $(if $(V),,@)
say  = @$(if $(V),:,printf '  %-3s %s\n')
.PHONY: all all-tests check coverage torture pipelines interop bench unit tidy docs demo fuzz fuzzers install uninstall clean \
        libraries tcl $(BUILD)/libengine.pc
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
