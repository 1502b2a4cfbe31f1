// SPDX-License-Identifier: Apache-2.0
// libcurl under its own names, loaded when it is first called: with the libraries below it it takes 5 MiB and 20 ms,
// which a daemon that only scrapes and a runner that only executes do without. Nothing is linked to it; where it is
// missing every call answers with libcurl's own word for failure.
#include <curl/curl.h>
#include <dlfcn.h>

#include <cstdarg>
#include <cstdio>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
// libcurl's own prototypes have an enumeration before the dots; in its C interface that is an int, as promoted.
#pragma GCC diagnostic ignored "-Wvarargs"

namespace {

// The variable argument is a long, a pointer or a curl_off_t: one machine word each.
static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));

void* library() {
    static void* const loaded = [] {
        void* const handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) std::fprintf(stderr, "libcurl cannot be loaded: %s\n", dlerror());
        return handle;
    }();
    return loaded;
}

template <class Function>
Function* find(const char* name) {
    return library() == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(library(), name));
}

}  // namespace

extern "C" {

CURLcode curl_global_init(long flags) {
    static auto* const real = find<decltype(curl_global_init)>("curl_global_init");
    return real != nullptr ? real(flags) : CURLE_FAILED_INIT;
}

CURL* curl_easy_init() {
    static auto* const real = find<decltype(curl_easy_init)>("curl_easy_init");
    return real != nullptr ? real() : nullptr;
}

CURLcode curl_easy_perform(CURL* easy) {
    static auto* const real = find<decltype(curl_easy_perform)>("curl_easy_perform");
    return real != nullptr ? real(easy) : CURLE_FAILED_INIT;
}

const char* curl_easy_strerror(CURLcode code) {
    static auto* const real = find<decltype(curl_easy_strerror)>("curl_easy_strerror");
    return real != nullptr ? real(code) : "libcurl cannot be loaded";
}

CURLHcode curl_easy_header(CURL* easy, const char* name, size_t index, unsigned origin, int request,
                           curl_header** header) {
    static auto* const real = find<decltype(curl_easy_header)>("curl_easy_header");
    return real != nullptr ? real(easy, name, index, origin, request, header) : CURLHE_MISSING;
}

CURLM* curl_multi_init() {
    static auto* const real = find<decltype(curl_multi_init)>("curl_multi_init");
    return real != nullptr ? real() : nullptr;
}

CURLMcode curl_multi_add_handle(CURLM* multi, CURL* easy) {
    static auto* const real = find<decltype(curl_multi_add_handle)>("curl_multi_add_handle");
    return real != nullptr ? real(multi, easy) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* easy) {
    static auto* const real = find<decltype(curl_multi_remove_handle)>("curl_multi_remove_handle");
    return real != nullptr ? real(multi, easy) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_cleanup(CURLM* multi) {
    static auto* const real = find<decltype(curl_multi_cleanup)>("curl_multi_cleanup");
    return real != nullptr ? real(multi) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_perform(CURLM* multi, int* running) {
    static auto* const real = find<decltype(curl_multi_perform)>("curl_multi_perform");
    return real != nullptr ? real(multi, running) : CURLM_BAD_HANDLE;
}

CURLMsg* curl_multi_info_read(CURLM* multi, int* queued) {
    static auto* const real = find<decltype(curl_multi_info_read)>("curl_multi_info_read");
    return real != nullptr ? real(multi, queued) : nullptr;
}

CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t socket, int events, int* running) {
    static auto* const real = find<decltype(curl_multi_socket_action)>("curl_multi_socket_action");
    return real != nullptr ? real(multi, socket, events, running) : CURLM_BAD_HANDLE;
}

CURLMcode curl_multi_poll(CURLM* multi, curl_waitfd* extra, unsigned count, int timeout_ms, int* ready) {
    static auto* const real = find<decltype(curl_multi_poll)>("curl_multi_poll");
    return real != nullptr ? real(multi, extra, count, timeout_ms, ready) : CURLM_BAD_HANDLE;
}

curl_slist* curl_slist_append(curl_slist* list, const char* text) {
    static auto* const real = find<decltype(curl_slist_append)>("curl_slist_append");
    return real != nullptr ? real(list, text) : nullptr;
}

void curl_global_cleanup() {
    static auto* const real = find<decltype(curl_global_cleanup)>("curl_global_cleanup");
    if (real != nullptr) real();
}

void curl_easy_cleanup(CURL* easy) {
    static auto* const real = find<decltype(curl_easy_cleanup)>("curl_easy_cleanup");
    if (real != nullptr) real(easy);
}

void curl_easy_reset(CURL* easy) {
    static auto* const real = find<decltype(curl_easy_reset)>("curl_easy_reset");
    if (real != nullptr) real(easy);
}

void curl_slist_free_all(curl_slist* list) {
    static auto* const real = find<decltype(curl_slist_free_all)>("curl_slist_free_all");
    if (real != nullptr) real(list);
}

CURLcode curl_easy_setopt(CURL* handle, CURLoption option, ...) {
    static auto* const real = find<decltype(curl_easy_setopt)>("curl_easy_setopt");
    std::va_list list;
    va_start(list, option);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return real != nullptr ? real(handle, option, argument) : CURLE_FAILED_INIT;
}

CURLcode curl_easy_getinfo(CURL* handle, CURLINFO option, ...) {
    static auto* const real = find<decltype(curl_easy_getinfo)>("curl_easy_getinfo");
    std::va_list list;
    va_start(list, option);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return real != nullptr ? real(handle, option, argument) : CURLE_FAILED_INIT;
}

CURLMcode curl_multi_setopt(CURLM* handle, CURLMoption option, ...) {
    static auto* const real = find<decltype(curl_multi_setopt)>("curl_multi_setopt");
    std::va_list list;
    va_start(list, option);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return real != nullptr ? real(handle, option, argument) : CURLM_BAD_HANDLE;
}

}  // extern "C"
