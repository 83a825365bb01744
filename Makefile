# Build, check and install the ev tools.  GNU make and a C11 compiler; Tcl to test.
#
#   make                     the tools, in build/
#   make check               every test that fits ten minutes
#   make SANITIZE=address,undefined check
#   make DEVELOPER=1         warnings are errors
#   make V=1                 show the commands

PREFIX  ?= /usr/local
CFLAGS  ?= -O2 -g
BUILD   ?= build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))
comma   := ,

WARN     = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wvla -Wformat=2
MODE     = -std=c11 -D_GNU_SOURCE -fvisibility=hidden -ffunction-sections -fdata-sections \
           -fno-strict-aliasing -pthread -MMD -MP
# Codecs are used where they are found, and named in an error where they are not.
CODECS  := $(foreach c,zlib libzstd liblz4,$(if $(shell pkg-config --exists $c && echo yes),$c))
have     = $(if $(filter $1,$(CODECS)),-DHAVE_$2)
MODE    += $(call have,zlib,ZLIB) $(call have,libzstd,ZSTD) $(call have,liblz4,LZ4)
LDLIBS  := $(if $(CODECS),$(shell pkg-config --libs $(CODECS))) -lpthread

# Its packer is all inline; the tests read with it what we write.
MSGPACK := $(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack)
MODE    += $(shell pkg-config --cflags $(MSGPACK))

ifdef SANITIZE
MODE    += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SANITIZE)
endif
ifdef DEVELOPER
WARN    += -Werror
endif

LAYERS  := $(shell sed -n 's/^\([a-z][a-z]*\).*/\1/p' libengine/LAYERS)
ENGINE  := $(foreach d,$(LAYERS),$(wildcard libengine/$d/*.c))
TOOLS   := $(patsubst cmd/%.c,%,$(wildcard cmd/ev*.c))
UNITS   := $(wildcard tests/unit/*.c)
objects  = $(1:%.c=$(BUILD)/%.o)

all: $(TOOLS:%=$(BUILD)/%)

# The engine as users get it, and as tests get it: with the planted bugs that
# tests switch on to prove that they would see them (base/plant.h).
$(BUILD)/libengine.a: $(call objects,$(ENGINE))
$(BUILD)/planted/libengine.a: $(ENGINE:%.c=$(BUILD)/planted/%.o)

$(BUILD)/unit: LDLIBS += $(shell pkg-config --libs $(MSGPACK))

$(BUILD)/bench_kernels: $(BUILD)/tests/bench/bench_kernels.o $(BUILD)/libengine.a
$(BUILD)/bench_format: $(BUILD)/tests/bench/bench_format.o $(BUILD)/libengine.a
$(BUILD)/unit: $(call objects,$(UNITS)) $(BUILD)/planted/libengine.a

# The include paths are the first law of the house: a tool sees only the public headers.
$(BUILD)/cmd/%.o:               INCLUDE = -Ilibengine/include
$(BUILD)/libengine/%.o:         INCLUDE = -Ilibengine/include -Ilibengine
$(BUILD)/planted/libengine/%.o: INCLUDE = -Ilibengine/include -Ilibengine -DPLANTED
$(BUILD)/tests/%.o:             INCLUDE = -Ilibengine/include -Ilibengine -Itests/unit -DPLANTED

$(BUILD)/%.o $(BUILD)/planted/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(q)$(CC) $(MODE) $(WARN) $(INCLUDE) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/%.a:
	$(say) AR $@
	$(q)rm -f $@; $(AR) rcs $@ $^
$(TOOLS:%=$(BUILD)/%) $(BUILD)/unit $(BUILD)/bench_kernels $(BUILD)/bench_format:
	$(say) LD $@
	$(q)$(CC) $(LDFLAGS) -Wl,--gc-sections -o $@ $^ $(LDLIBS)

unit: $(BUILD)/unit
	$(q)$(BUILD)/unit $(TESTS)
bench-kernels: $(BUILD)/bench_kernels
	$(q)$<
bench-format: $(BUILD)/bench_format
	$(q)$<
clean:
	rm -rf $(BUILD)

q    = $(if $(V),,@)
say  = @$(if $(V),:,printf '  %-3s %s\n')
.PHONY: all check unit bench-kernels bench-format clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
