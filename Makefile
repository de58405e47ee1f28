# husk: see `make help`.

VERSION := 0.1.0
BUILD   := build
PREFIX  ?= /usr/local
DESTDIR ?=

# One file a line: a module is added here, with its test below.
SRC_BASE :=
SRC_TEXT :=
SRC_PLAN :=
SRC_PROC :=
SRC_INIT :=
SRC_CMD  := \
	src/cmd/main.c
SRC := $(SRC_BASE) $(SRC_TEXT) $(SRC_PLAN) $(SRC_PROC) $(SRC_INIT) $(SRC_CMD)

# tests/unit/NAME.c, each a program of its own.
UNIT_TESTS :=

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual \
	-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wswitch-enum -Wformat=2 \
	-Wnull-dereference
WERROR   := $(if $(CI),-Werror)
CPPFLAGS := -D_GNU_SOURCE -DHUSK_VERSION='"$(VERSION)"' -Iinclude
CFLAGS   := -std=c11 $(WARNINGS) $(WERROR)

# The release: static musl, reproducible.
MUSL_CFLAGS := -Os -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-fno-pie -fstack-protector-strong -ffile-prefix-map=$(CURDIR)=.
MUSL_LDFLAGS := -static -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro,-z,now -s

# The tests: glibc, sanitizers.
TEST_CFLAGS  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TEST_LDFLAGS := -fsanitize=address,undefined
TEST_LIBS    := -lcmocka -lyaml


# libyaml for musl: LIBYAML= names one that is there; where the compiler itself is musl's the
# system's is used; else the parser's half is built from Debian's source package, pinned here.
YAML_VERSION := 0.2.5
YAML_ORIG    := libyaml_$(YAML_VERSION).orig.tar.gz
YAML_SHA256  := fa240dbf262be053f3898006d502d514936c818e422afdcf33921c63bed9bf2e
YAML_DIR     := $(BUILD)/libyaml
YAML_DEFINES := -DYAML_VERSION_MAJOR=0 -DYAML_VERSION_MINOR=2 -DYAML_VERSION_PATCH=5 \
	-DYAML_VERSION_STRING='"$(YAML_VERSION)"'
YAML_SRC     := api reader scanner parser
YAML_OBJ     := $(YAML_SRC:%=$(YAML_DIR)/%.o)

ifneq ($(findstring musl,$(shell $(CC) -dumpmachine 2>/dev/null)),)
MUSL_CC         ?= $(CC)
LIBYAML         ?= /usr/lib/libyaml.a
LIBYAML_INCLUDE ?= /usr/include
endif
MUSL_CC         ?= musl-gcc
LIBYAML         ?= $(YAML_DIR)/libyaml.a
LIBYAML_INCLUDE ?= $(YAML_DIR)/include

MUSL_OBJ := $(SRC:%.c=$(BUILD)/musl/%.o)
TEST_OBJ := $(patsubst %.c,$(BUILD)/test/%.o,$(filter-out src/cmd/main.c,$(SRC)))

all: $(BUILD)/husk

$(BUILD)/husk: $(MUSL_OBJ) $(LIBYAML)
	$(MUSL_CC) $(MUSL_LDFLAGS) -o $@ $(MUSL_OBJ) $(LIBYAML)

$(YAML_DIR)/$(YAML_ORIG): | $(YAML_DIR)
	tests/setup/apt-fetch source libyaml $(YAML_ORIG) $(YAML_SHA256) $(YAML_DIR)

$(YAML_DIR):
	@mkdir -p $@

$(YAML_DIR)/.unpacked: $(YAML_DIR)/$(YAML_ORIG)
	rm -rf $(YAML_DIR)/src $(YAML_DIR)/include
	mkdir $(YAML_DIR)/src
	tar -xzf $< -C $(YAML_DIR)/src --strip-components=1
	cp -r $(YAML_DIR)/src/include $(YAML_DIR)/include
	touch $@

$(YAML_OBJ): $(YAML_DIR)/%.o: $(YAML_DIR)/.unpacked
	$(MUSL_CC) $(MUSL_CFLAGS) -w $(YAML_DEFINES) -I$(YAML_DIR)/include -c -o $@ $(YAML_DIR)/src/src/$*.c

$(YAML_DIR)/libyaml.a: $(YAML_OBJ)
	rm -f $@ && ar rcsD $@ $(YAML_OBJ)

$(BUILD)/musl/%.o: %.c $(LIBYAML)
	@mkdir -p $(@D)
	$(MUSL_CC) $(CPPFLAGS) -isystem $(LIBYAML_INCLUDE) $(CFLAGS) $(MUSL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/test/libhusk.a: $(TEST_OBJ)
	rm -f $@ && ar rcs $@ $(TEST_OBJ)

$(BUILD)/test/unit/%: tests/unit/%.c $(BUILD)/test/libhusk.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(TEST_CFLAGS) -MMD -MP $(TEST_LDFLAGS) -o $@ $< $(BUILD)/test/libhusk.a $(TEST_LIBS)

unit: $(UNIT_TESTS:%=$(BUILD)/test/unit/%)
	@set -e; for t in $^; do $$t; done

clean:
	rm -rf $(BUILD)

-include $(MUSL_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(UNIT_TESTS:%=$(BUILD)/test/unit/%.d)

.PHONY: all unit clean
