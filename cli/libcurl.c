/* SPDX-License-Identifier: Apache-2.0 */
#include "libcurl.h"

#include <dlfcn.h>
#include <string.h>

bool
libcurl_load(struct libcurl *lib)
{
	const struct {
		const char *name;
		void *function; /* a pointer to a pointer to a function */
	} wanted[] = {
		{ "curl_global_init", &lib->global_init },
		{ "curl_global_cleanup", &lib->global_cleanup },
		{ "curl_easy_init", &lib->easy_init },
		{ "curl_easy_reset", &lib->easy_reset },
		{ "curl_easy_setopt", &lib->easy_setopt },
		{ "curl_easy_perform", &lib->easy_perform },
		{ "curl_easy_getinfo", &lib->easy_getinfo },
		{ "curl_easy_strerror", &lib->easy_strerror },
		{ "curl_easy_cleanup", &lib->easy_cleanup },
		{ "curl_multi_init", &lib->multi_init },
		{ "curl_multi_cleanup", &lib->multi_cleanup },
		{ "curl_multi_add_handle", &lib->multi_add },
		{ "curl_multi_remove_handle", &lib->multi_remove },
		{ "curl_multi_perform", &lib->multi_perform },
		{ "curl_multi_poll", &lib->multi_poll },
		{ "curl_multi_info_read", &lib->multi_read },
		{ "curl_slist_append", &lib->slist_append },
		{ "curl_slist_free_all", &lib->slist_free },
	};

	if ((lib->loaded = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL)) == NULL)
		return false;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		void *function = dlsym(lib->loaded, wanted[i].name);
		if (function == NULL)
			return false;
		memcpy(wanted[i].function, &function, sizeof function);
	}
	return true;
}
