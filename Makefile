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
MUSL_CC     ?= musl-gcc
MUSL_CFLAGS := -Os -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
	-fno-plt -fstack-protector-strong -ffile-prefix-map=$(CURDIR)=.
MUSL_LDFLAGS := -static -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro,-z,now -s

# The tests: glibc, sanitizers.
TEST_CFLAGS  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TEST_LDFLAGS := -fsanitize=address,undefined
TEST_LIBS    := -lcmocka -lyaml


# libyaml for musl: LIBYAML= names one that is there, else it is built from Debian's source.
LIBYAML ?= $(BUILD)/libyaml/libyaml.a
LIBYAML_INCLUDE ?= $(BUILD)/libyaml/include

MUSL_OBJ := $(SRC:%.c=$(BUILD)/musl/%.o)
TEST_OBJ := $(patsubst %.c,$(BUILD)/test/%.o,$(filter-out src/cmd/main.c,$(SRC)))

all: $(BUILD)/husk

$(BUILD)/husk: $(MUSL_OBJ) $(LIBYAML)
	$(MUSL_CC) $(MUSL_LDFLAGS) -o $@ $(MUSL_OBJ) $(LIBYAML)

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
