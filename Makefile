# libslm - one Makefile for everything; `make help` lists the targets.

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CXX ?= g++
AR := $(CROSS)ar
LD := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy
ifneq ($(CROSS),)
CC := $(CROSS)gcc
CXX := $(CROSS)g++
endif
BUILD ?= build
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config

VERSION := 0.1.0
SOVERSION := 0

# --- options: OPENMP, HWLOC, OPENBLAS; 1 by default where found, 0 builds without
OPENMP ?= 1
HWLOC ?= $(shell $(PKG_CONFIG) --exists hwloc 2>/dev/null && echo 1 || echo 0)
OPENBLAS ?= $(shell $(PKG_CONFIG) --exists openblas 2>/dev/null && echo 1 || echo 0)

ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
BASE := -std=c11 -D_GNU_SOURCE -Iinclude -MMD -MP -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno $(WARN) $(EXTRA)
LDLIBS := -lm
ifeq ($(OPENMP),1)
OMP := -fopenmp
BASE += -DSLM_OPENMP
else
BASE += -Wno-unknown-pragmas
endif
ifeq ($(HWLOC),1)
BASE += -DSLM_HWLOC $(shell $(PKG_CONFIG) --cflags hwloc)
LDLIBS += $(shell $(PKG_CONFIG) --libs hwloc)
endif
ifeq ($(OPENBLAS),1)
BASE += -DSLM_OPENBLAS $(shell $(PKG_CONFIG) --cflags openblas)
LDLIBS += $(shell $(PKG_CONFIG) --libs openblas)
endif

# --- kernels: flags belong to the folder
KERNEL_DIRS := kernels kernels/ref
ifeq ($(ARCH),x86_64)
KERNEL_DIRS += kernels/avx2 kernels/avx512
endif
ifeq ($(ARCH),aarch64)
ifneq ($(wildcard kernels/neon/*.c),)
KERNEL_DIRS += kernels/neon
BASE += -DSLM_NEON
endif
endif
FLAGS_kernels/avx2 := -mavx2 -mfma -mf16c
FLAGS_kernels/avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c
FLAGS_kernels/neon := -march=armv8.2-a+dotprod
# parsing code converts integers with care
STRICT := lib/cursor.c lib/gguf.c lib/map.c lib/mem.c lib/status.c

KERNEL_SRC := $(foreach d,$(KERNEL_DIRS),$(wildcard $(d)/*.c))
LIB_SRC := $(wildcard lib/*.c lib/tokenizer/*.c lib/chat/*.c lib/arch/*.c)
TEST_SRC := $(wildcard tests/*.c)
SUITES := $(patsubst tests/test_%.c,%,$(wildcard tests/test_*.c))
TOOLS := $(patsubst tools/%.c,%,$(wildcard tools/slm-*.c))
TOOL_COMMON := $(filter-out tools/slm-%,$(wildcard tools/*.c tools/*.S))

obj = $(patsubst %,$(BUILD)/obj/%.o,$(1))
KERNEL_OBJ := $(call obj,$(KERNEL_SRC))
LIB_OBJ := $(call obj,$(LIB_SRC))
TEST_OBJ := $(call obj,$(TEST_SRC))
COMMON_OBJ := $(call obj,$(TOOL_COMMON))

.PHONY: all lib tools tests help clean
all: lib tools ## build the libraries and the tools (default)
lib: $(BUILD)/lib/libslm.a $(BUILD)/lib/libslm.so
tools: $(addprefix $(BUILD)/bin/,$(TOOLS))
tests: $(BUILD)/bin/tests

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | sort | awk -F'\t' '{printf "  make %-12s%s\n", $$1, $$2}'

clean: ## remove build/
	rm -rf $(BUILD)

$(BUILD)/obj/kernels/%.c.o: kernels/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -O3 $(BASE) $(FLAGS_$(patsubst %/,%,$(dir $<))) -c $< -o $@
$(BUILD)/obj/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(OMP) $(if $(filter $<,$(STRICT)),-Wconversion) -c $< -o $@
$(BUILD)/obj/tools/%.c.o: tools/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) -c $< -o $@
$(BUILD)/obj/tools/%.S.o: tools/%.S
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@
$(BUILD)/obj/tests/%.c.o: tests/%.c | $(BUILD)/gen/suites.def
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) -I$(BUILD)/gen -c $< -o $@

# one list of the test suites, made from the file names
$(BUILD)/gen/suites.def: $(wildcard tests/test_*.c)
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(SUITES) > $@

# One object with the internals made local, so that a static link can't clash with the host's names.
$(BUILD)/lib/libslm.o: $(KERNEL_OBJ) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(LD) -r -o $@ $^
	$(OBJCOPY) --localize-hidden $@
$(BUILD)/lib/libslm.a: $(BUILD)/lib/libslm.o
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/lib/libslm.so: $(KERNEL_OBJ) $(LIB_OBJ) lib/slm.map
	$(CC) $(CFLAGS) $(OMP) -shared -Wl,-soname,libslm.so.$(SOVERSION) -Wl,--version-script,lib/slm.map -Wl,-z,defs \
	  $(KERNEL_OBJ) $(LIB_OBJ) $(LDFLAGS) $(LDLIBS) -o $@
	ln -sf libslm.so $@.$(SOVERSION)

$(BUILD)/bin/slm-%: $(BUILD)/obj/tools/slm-%.c.o $(COMMON_OBJ) $(BUILD)/lib/libslm.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OMP) $^ $(LDFLAGS) $(LDLIBS) $(TOOL_LIBS) -o $@

# tests reach inside, so they link the objects
$(BUILD)/bin/tests: $(TEST_OBJ) $(KERNEL_OBJ) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(OMP) $^ $(LDFLAGS) $(LDLIBS) $(TEST_LIBS) -o $@
TEST_LIBS = $(shell $(PKG_CONFIG) --libs check libpcre2-8)

.PHONY: check
check: all tests ## build everything and run every test
	$(BUILD)/bin/tests

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
