// SPDX-License-Identifier: Apache-2.0
// Asio and Beast are compiled here, once (the *_SEPARATE_COMPILATION definitions are in cmake/dependencies.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
