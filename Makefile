# libslm - one Makefile for everything; `make help` lists the targets.

# --- settings: `make NAME=VALUE`
# CROSS=aarch64-linux-gnu- takes the tools of that prefix, and a build folder of its own
CROSS ?=
BUILD ?= build$(CROSS:%-=/%)
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
CFLAGS ?= -O2 -g
KERNEL_CFLAGS ?= -O3 $(RENAME)
PKG_CONFIG ?= pkg-config
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC := $(CROSS)gcc
endif
ifeq ($(origin CXX),default)
CXX := $(CROSS)g++
endif
AR := $(CROSS)ar
LD := $(CROSS)ld
OBJCOPY := $(CROSS)objcopy

# as many jobs as there are processors, unless -j was given
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-print-directory
# `make V=1` shows the commands
ifneq ($(V),1)
Q := @
endif
say = $(if $(Q),@printf '  %-5s %s\n' $(1) $@)

# --- options: 1 where found, 0 builds without; WERROR=1 turns warnings into errors
# pkg-config knows the libraries of this machine, not those of another
exists = $(if $(CROSS),0,$(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo 1 || echo 0))
OPENMP ?= $(shell echo '\#include <omp.h>' | $(CC) -fopenmp -E - >/dev/null 2>&1 && echo 1 || echo 0)
HWLOC ?= $(call exists,hwloc)
CJSON ?= $(call exists,libcjson)
LIBEDIT ?= $(call exists,libedit)
WERROR ?= 0

# slm.h says which version this is
VERSION := $(shell awk '/define SLM_VERSION_M|define SLM_VERSION_P/ { v = v s $$3; s = "." } END { print v }' include/slm.h)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))

# gcc copies sums of which KEEP says where they are formed (kernels/unroll.h) from register to register, but for this; clang does not know it
RENAME := $(shell $(CC) -Werror -frename-registers -x c -fsyntax-only /dev/null 2>/dev/null && echo -frename-registers)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=c11 -D_GNU_SOURCE -Iinclude -MMD -MP -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno $(WARN)
LDLIBS := -lm
PC_LIBS := -lm
ifeq ($(WERROR),1)
BASE += -Werror
endif
ifeq ($(OPENMP),1)
OMP := -fopenmp
BASE += -DSLM_OPENMP
PC_LIBS += $(if $(shell $(CC) --version 2>/dev/null | grep clang),-lomp,-lgomp)
endif
ifeq ($(HWLOC),1)
BASE += -DSLM_HWLOC $(shell $(PKG_CONFIG) --cflags hwloc)
LDLIBS += $(shell $(PKG_CONFIG) --libs hwloc)
PC_LIBS += $(shell $(PKG_CONFIG) --libs hwloc)
endif

# --- flags that belong to a folder or a file
FLAGS_kernels := $(KERNEL_CFLAGS)
FLAGS_kernels/ref := $(KERNEL_CFLAGS)
FLAGS_kernels/avx2 := $(KERNEL_CFLAGS) -mavx2 -mfma -mf16c
FLAGS_kernels/avxvnni := $(FLAGS_kernels/avx2) -mavxvnni
FLAGS_kernels/avx512 := $(KERNEL_CFLAGS) -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c
# EMULATE=1: for tests on machines without AVX-512 or AVX-VNNI (tests/emulate_*.h); slow, and needs libsimde-dev
ifeq ($(EMULATE),1)
BASE += -DSLM_EMULATE
FLAGS_kernels/avxvnni := $(FLAGS_kernels/avx2) -include tests/emulate_avxvnni.h
FLAGS_kernels/avx512 := -O1 -mavx2 -mfma -mf16c -include tests/emulate_avx512.h
endif
FLAGS_kernels/armv8 := $(KERNEL_CFLAGS) -march=armv8-a
FLAGS_kernels/neon := $(KERNEL_CFLAGS) -march=armv8.2-a+dotprod
FLAGS_kernels/i8mm := $(KERNEL_CFLAGS) -march=armv8.2-a+dotprod+i8mm
FLAGS_tests := -I$(BUILD)/gen
FLAGS_tools/slm-bench.c := -I$(BUILD)/gen
ifeq ($(CJSON),1)
FLAGS_tools/bench/compare.c := -DSLM_CJSON $(shell $(PKG_CONFIG) --cflags libcjson)
BENCH_LIBS := $(shell $(PKG_CONFIG) --libs libcjson)
endif
ifeq ($(LIBEDIT),1)
FLAGS_tools/run/line.c := -DSLM_LIBEDIT $(shell $(PKG_CONFIG) --cflags libedit)
FLAGS_tests/test_chat.c := -DSLM_LIBEDIT
RUN_LIBS := $(shell $(PKG_CONFIG) --libs libedit)
endif
FLAGS_lib/par.c := $(OMP)
# the header's macros and inline functions assert
FLAGS_lib/topo.c := -DNDEBUG
# parsing code converts integers with care
STRICT := lib/cursor.c lib/files.c lib/gguf.c lib/gguf_values.c lib/map.c lib/mem.c lib/status.c
$(foreach f,$(STRICT),$(eval FLAGS_$(f) := -Wconversion))
flags = $(FLAGS_$(patsubst %/,%,$(dir $<))) $(FLAGS_$<)

# --- sources and what becomes of them
# TIER_DIR_<tier>: the folder that it is compiled from, perhaps another's; TIER_NAME says for which
ifeq ($(ARCH),x86_64)
TIERS := avx2 avxvnni avx512
TIER_DIR_avx2 := kernels/avx2
TIER_DIR_avxvnni := kernels/avx2
TIER_DIR_avx512 := kernels/avx512
endif
ifeq ($(ARCH),aarch64)
TIERS := armv8 neon i8mm
TIER_DIR_armv8 := kernels/neon
TIER_DIR_neon := kernels/neon
TIER_DIR_i8mm := kernels/neon
endif
KERNEL_SRC := $(wildcard kernels/*.c kernels/ref/*.c)
TIER_OBJ := $(foreach t,$(TIERS),$(patsubst $(TIER_DIR_$(t))/%,$(BUILD)/obj/kernels/$(t)/%.o,$(wildcard $(TIER_DIR_$(t))/*.c)))
LIB_SRC := $(wildcard lib/*.c lib/tokenizer/*.c lib/chat/*.c lib/arch/*.c)
TEST_SRC := $(wildcard tests/*.c tests/fuzz/*.c)
SUITES := $(patsubst tests/test_%.c,%,$(wildcard tests/test_*.c))
TEST_PKGS := check libpcre2-8 libcjson
ifneq ($(CROSS),)
# the suites that depend on the processor, with a stand-in for Check, so that no library of the other machine is needed
SUITES := kernels bits golden
TEST_SRC := $(SUITES:%=tests/test_%.c) $(wildcard tests/*harness*.c) tests/main.c tests/random_model.c tests/tests.c tests/cross/check.c
TEST_PKGS :=
FLAGS_tests += -Itests/cross
FLAGS_tests/cross := -Itests/cross
endif
TOOLS := $(patsubst tools/%.c,%,$(wildcard tools/slm-*.c))
TOOL_COMMON := $(filter-out tools/slm-%,$(wildcard tools/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
MAN := $(wildcard man/*.1)

obj = $(patsubst %,$(BUILD)/obj/%.o,$(1))
LIB_OBJ := $(call obj,$(KERNEL_SRC) $(LIB_SRC)) $(TIER_OBJ)
TEST_OBJ := $(call obj,$(TEST_SRC))
COMMON_OBJ := $(call obj,$(TOOL_COMMON))
# parts of slm-NAME that no other tool needs lie in tools/NAME/
tool_parts = $(call obj,$(wildcard tools/$(1:slm-%=%)/*.c))
TEST_LIBS = $(if $(TEST_PKGS),$(shell $(PKG_CONFIG) --libs $(TEST_PKGS)))
SHARED_LIB := libslm.so.$(VERSION)

# What the scripts below use. Not the options: those found before an installation must not reach the make started after it.
export BUILD CC CXX PKG_CONFIG TEST_PKGS

.PHONY: all lib tools tests
all: lib tools ## build the libraries and the tools (default)
lib: $(BUILD)/lib/libslm.a $(BUILD)/lib/libslm.so $(BUILD)/lib/libslm.pc
tools: $(addprefix $(BUILD)/bin/,$(TOOLS))
tests: $(BUILD)/bin/tests

# --- the two commands of the README; what they install changes what was found above, so they start make again
.PHONY: demo check deps run-demo run-check
demo: ## install what the build needs, build, and answer a question
	@scripts/deps.sh build
	@$(MAKE) run-demo
check: ## install what the tests need, build everything and run every test
	@scripts/deps.sh tests
	@$(MAKE) run-check
deps: ## install the packages that the build and the tests use
	@scripts/deps.sh tests

run-demo: $(BUILD)/bin/slm-run
	@printf '\nWhat is the capital of Japan?\n'
	@$(BUILD)/bin/slm-run --temp 0 -p 'What is the capital of Japan?'
	@printf 'To converse with it: %s/bin/slm-run\n' $(BUILD)
run-check: all tests
	@scripts/check.sh

# --- more checks, each in a build of its own
SANITIZE = BUILD=$(BUILD)/$@ HWLOC=0 KERNEL_CFLAGS=
.PHONY: asan tsan fuzz check-isa lint bench
asan: ## run the tests with the address, leak and undefined-behaviour sanitizers
	@$(MAKE) $(SANITIZE) CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' tests tools
	@scripts/sanitized.sh address $(BUILD)/asan/bin/tests
tsan: ## run the tests with the thread sanitizer (clang, libomp)
	@$(MAKE) $(SANITIZE) CC=clang CFLAGS='-O1 -g -fsanitize=thread' tests tools
	@scripts/sanitized.sh thread $(BUILD)/tsan/bin/tests
# Kernels branch on sizes alone, so fuzzers learn nothing from them: without its coverage they are fast. And clang needs ten minutes for
# them with its checks of undefined behaviour; asan has them.
fuzz: ## run each fuzzer of tests/fuzz for FUZZ_SECONDS, with 0 its corpus only (clang)
	@$(MAKE) $(SANITIZE) KERNEL_CFLAGS=-fno-sanitize=undefined,fuzzer-no-link OPENMP=0 CC=clang \
	  CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzzers
	@for f in $(FUZZERS); do scripts/fuzz.sh $(BUILD)/fuzz/bin/$$f $(FUZZ_SECONDS) || exit 1; done
check-isa: tools tests ## test the instruction sets that this machine lacks: AArch64 by qemu, AVX-VNNI and AVX-512 emulated
	@scripts/deps.sh isa
	@scripts/isa.sh
lint: lib ## check the rules of the code, its symbols, the man pages and the docs
	@scripts/lint.sh
bench: $(BUILD)/bin/slm-bench ## measure a small model of random weights (slm-bench has more)
	@$(BUILD)/bin/slm-bench --shape smollm2-135m --type Q4_0 -p 128 -n 32 -r 3

.PHONY: help clean
help: ## this list
	@echo 'Targets:'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | sort | expand -t18
	@echo 'Options: OPENMP=0 HWLOC=0 CJSON=0 LIBEDIT=0 WERROR=1 V=1 CC=clang BUILD=dir PREFIX=dir DESTDIR=dir FUZZ_SECONDS=60'
	@echo 'For another machine: make CROSS=aarch64-linux-gnu- builds all into build/aarch64-linux-gnu'
clean: ## remove build/
	rm -rf $(BUILD)

# --- stamps: the text of a variable, so that what was built with other flags or from other files is built again
quote = '$(subst ','\'',$(1))'
stamp = printf '%s\n' $(call quote,$(1)) | cmp -s - $@ || printf '%s\n' $(call quote,$(1)) > $@
.PHONY: FORCE
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@$(call stamp,$(CC) $(CFLAGS) $(BASE) $(OMP) $(LDFLAGS) $(LDLIBS) \
	  $(foreach v,$(sort $(filter FLAGS_%,$(.VARIABLES))),$(v)=$($(v))))
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@$(call stamp,$(LIB_OBJ) $(TEST_OBJ) $(COMMON_OBJ))

# --- rules
define tier_rule
$(BUILD)/obj/kernels/$(1)/%.c.o: $(TIER_DIR_$(1))/%.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CC) $$(CFLAGS) $$(BASE) $$(FLAGS_kernels/$(1)) -DTIER_NAME=$(1) -c $$< -o $$@
endef
$(foreach t,$(TIERS),$(eval $(call tier_rule,$(t))))
$(BUILD)/obj/%.c.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) $(BASE) $(flags) -c $< -o $@
$(BUILD)/obj/%.S.o: %.S $(wildcard examples/models/*) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS)
	$(Q)$(CC) $(CFLAGS) $(BASE) -c $< -o $@
# one list of the test suites, made from the file names
$(TEST_OBJ): | $(BUILD)/gen/suites.def
$(BUILD)/gen/suites.def: $(BUILD)/sources
	@mkdir -p $(@D)
	@printf 'SUITE(%s)\n' $(SUITES) > $@

# One object with the internals made local, so that a static link can't clash with the host's names.
$(BUILD)/lib/libslm.a: $(LIB_OBJ) $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,AR)
	$(Q)$(LD) -r -o $(BUILD)/obj/libslm.o $(LIB_OBJ)
	$(Q)$(OBJCOPY) --localize-hidden $(BUILD)/obj/libslm.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/libslm.o
$(BUILD)/lib/libslm.so: $(LIB_OBJ) lib/slm.map $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(OMP) -shared -Wl,-soname,libslm.so.$(SOVERSION) -Wl,--version-script,lib/slm.map -Wl,-z,defs \
	  $(LIB_OBJ) $(LDFLAGS) $(LDLIBS) -o $(@D)/$(SHARED_LIB)
	$(Q)ln -sf $(SHARED_LIB) $(@D)/libslm.so.$(SOVERSION) && ln -sf $(SHARED_LIB) $@
# where the library lies is known at the installation only, which fills in the first two lines
$(BUILD)/lib/libslm.pc: include/slm.h $(BUILD)/flags
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=' 'libdir=' 'includedir=$${prefix}/include' '' 'Name: libslm' 'Version: $(VERSION)' \
	  'Description: inference of quantized small language models on CPUs' \
	  'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lslm' 'Libs.private: $(PC_LIBS)' > $@

$(BUILD)/bin/slm-%: $(BUILD)/obj/tools/slm-%.c.o $(COMMON_OBJ) $(BUILD)/lib/libslm.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(OMP) $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LDLIBS) $(TOOL_LIBS) -o $@
$(BUILD)/bin/slm-bench: private TOOL_LIBS := $(BENCH_LIBS)
$(foreach t,$(TOOLS),$(eval $(BUILD)/bin/$(t): $(call tool_parts,$(t))))
$(BUILD)/bin/slm-run: private TOOL_LIBS := $(RUN_LIBS)
$(BUILD)/bin/slm-run: $(call obj,tools/demo_model.S)
# slm-bench says which commit its figures come from
COMMIT = $(shell git describe --always --dirty --exclude '*' 2>/dev/null || echo unknown)
COMMIT_NUMBER = $(shell git rev-list --count HEAD 2>/dev/null || echo 0)
$(BUILD)/obj/tools/slm-bench.c.o: $(BUILD)/gen/commit.h
$(BUILD)/gen/commit.h: FORCE
	@mkdir -p $(@D)
	@$(call stamp,enum { COMMIT_NUMBER = $(COMMIT_NUMBER) }; static const char commit[] = "$(COMMIT)";)
# tests reach inside, so they link the objects
$(BUILD)/bin/tests: $(TEST_OBJ) $(LIB_OBJ) $(COMMON_OBJ) $(foreach t,$(TOOLS),$(call tool_parts,$(t))) $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(OMP) $(filter %.o,$^) $(LDFLAGS) $(LDLIBS) $(TEST_LIBS) $(RUN_LIBS) -o $@
.PHONY: fuzzers
fuzzers: $(addprefix $(BUILD)/bin/,$(FUZZERS))
# what the fuzzers share with the tests
FUZZ_OBJ := $(call obj,$(addprefix tests/,any_model.c gguf_build.c tests.c tiny_model.c vocab_build.c))
$(BUILD)/bin/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.c.o $(FUZZ_OBJ) $(LIB_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $^ $(LDFLAGS) $(LDLIBS) -o $@

# --- installation
ROOT = $(DESTDIR)$(PREFIX)
ROOT_LIB = $(DESTDIR)$(LIBDIR)
.PHONY: install uninstall
install: all ## install below PREFIX (default /usr/local), inside DESTDIR if given
	@case '$(DESTDIR)$(PREFIX)$(LIBDIR)' in *[[:blank:]]*) echo 'PREFIX, LIBDIR and DESTDIR may hold no blanks'; exit 1; esac
	@case '$(PREFIX)' in [!/]*) echo 'PREFIX must begin with /, not be $(PREFIX)'; exit 1; esac
	install -d $(ROOT)/bin $(ROOT)/include $(ROOT)/share/man/man1 $(ROOT_LIB)/pkgconfig
	install -m 644 include/slm.h $(ROOT)/include
	install -m 644 $(BUILD)/lib/libslm.a $(ROOT_LIB)
	install -m 755 $(BUILD)/lib/$(SHARED_LIB) $(ROOT_LIB)
	ln -sf $(SHARED_LIB) $(ROOT_LIB)/libslm.so.$(SOVERSION)
	ln -sf $(SHARED_LIB) $(ROOT_LIB)/libslm.so
	sed -e 's|^prefix=.*|prefix=$(PREFIX)|' -e 's|^libdir=.*|libdir=$(LIBDIR)|' $(BUILD)/lib/libslm.pc \
	  | install -m 644 /dev/stdin $(ROOT_LIB)/pkgconfig/libslm.pc
	$(if $(TOOLS),install -m 755 $(addprefix $(BUILD)/bin/,$(TOOLS)) $(ROOT)/bin)
	$(if $(MAN),install -m 644 $(MAN) $(ROOT)/share/man/man1)
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || ldconfig
uninstall: ## remove what install has put there
	rm -f $(ROOT)/include/slm.h $(ROOT_LIB)/libslm.a $(ROOT_LIB)/libslm.so $(ROOT_LIB)/libslm.so.$(SOVERSION) \
	  $(ROOT_LIB)/$(SHARED_LIB) $(ROOT_LIB)/pkgconfig/libslm.pc \
	  $(addprefix $(ROOT)/bin/,$(TOOLS)) $(addprefix $(ROOT)/share/man/man1/,$(notdir $(MAN)))

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
