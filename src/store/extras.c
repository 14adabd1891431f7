/** @file extras.c See extras.h. */
#include "extras.h"

#include <hdf5_hl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32, LONGEST = 1024, ATTRIBUTE_MOST = 1 << 24, DIMENSIONS = 32 };

/** A walk through two files at once. */
typedef struct walk_t {
    hid_t from, to; /**< the groups that it is in */
    const char *path;
    int depth;
    unsigned level;
    bool scales; /**< the second walk, when all datasets are there: only attaches their scales */
    hm_paths_t *empty;
    hm_status_t status;
    hm_error_t *err;
} walk_t;

/** What HDF5's iterations return. */
static herr_t go_on(hm_status_t status) {
    return status == HM_OK ? 0 : -1;
}

/* --- paths ------------------------------------------------------------------------------------ */

const char *hm_paths_next(const hm_paths_t *paths, const char *path) {
    if (!path) {
        return paths->count > 0 ? paths->text : NULL;
    }
    const char *next = path + strlen(path) + 1;
    return next < paths->text + paths->length ? next : NULL;
}

static hm_status_t add_path(hm_paths_t *paths, const char *path, hm_error_t *err) {
    const size_t size = strlen(path) + 1;
    char *text = realloc(paths->text, paths->length + size);
    if (!text) {
        return hm_error_set(err, HM_EMISSING, "out of memory for the names of objects");
    }
    memcpy(text + paths->length, path, size);
    paths->text = text;
    paths->length += size;
    ++paths->count;
    return HM_OK;
}

hm_chunks_t hm_chunks_for(int64_t rows, int64_t columns, size_t size, unsigned level) {
    const int64_t most = HM_CHUNK_BYTES / HM_CHUNK_ROWS / (int64_t)size;
    const int64_t tall = rows < HM_CHUNK_ROWS ? rows : HM_CHUNK_ROWS;
    return (hm_chunks_t){{(hsize_t)tall, (hsize_t)(columns < most ? columns : most)}, level};
}

/* --- attributes ------------------------------------------------------------------------------- */

/** Attributes that HDF5's dimension scales consist of: H5DS functions make them. */
static bool is_of_scales(const char *name) {
    static const char *const names[] = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static hm_status_t copy_value(hid_t old, hid_t new, hid_t type, hid_t space, hm_error_t *err) {
    hm_status_t status = HM_OK;
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    const size_t size = H5Tget_size(type);
    void *value = NULL;
    if (points < 0 || size == 0 || (uint64_t)points > ATTRIBUTE_MOST / size) {
        HM_TRY(hm_error_set(err, HM_EDATA, "it is too large"));
    }
    value = calloc((size_t)points + 1, size);
    if (!value) {
        HM_TRY(hm_error_set(err, HM_EMISSING, "out of memory"));
    }
    if (points > 0 && (H5Aread(old, type, value) < 0 || H5Awrite(new, type, value) < 0)) {
        status = hm_h5_fail(err, HM_EDATA, "it cannot be copied");
    }
    /* What is of any length lies in memory of its own. */
    (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
cleanup:
    free(value);
    return status;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *context) {
    walk_t *walk = context;
    hm_status_t status = HM_OK;
    hid_t new = H5I_INVALID_HID;
    hid_t old = H5Aopen(from, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(old);
    hid_t space = H5Aget_space(old);
    (void)info;
    if (type < 0 || space < 0) {
        HM_TRY(hm_h5_fail(walk->err, HM_EDATA, "it cannot be read"));
    }
    if (H5Aexists(walk->to, name) > 0 || is_of_scales(name) ||
        H5Tdetect_class(type, H5T_REFERENCE) > 0) {
        goto cleanup;
    }
    new = H5Acreate2(walk->to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (new < 0) {
        HM_TRY(hm_h5_fail(walk->err, HM_ECREATE, "it cannot be made"));
    }
    if (H5Sget_simple_extent_type(space) != H5S_NULL) {
        HM_TRY(copy_value(old, new, type, space, walk->err));
    }
cleanup:
    if (status != HM_OK) {
        (void)hm_error_context(walk->err, "the attribute '%s' of %s", name,
                               walk->path[0] != '\0' ? walk->path : "/");
    }
    hm_h5_close(&new);
    hm_h5_close(&space);
    hm_h5_close(&type);
    hm_h5_close(&old);
    walk->status = status;
    return go_on(status);
}

/** The attributes of one object that the other lacks. */
static hm_status_t copy_attributes(const walk_t *walk, hid_t from, hid_t to) {
    walk_t at = *walk;
    at.to = to;
    /* Where one cannot be read, H5Aexists() fails, whatever name it looks for. H5Aiterate2() does,
       too, but then HDF5 1.10 crashes when it closes the file. */
    if (H5Aexists(from, "/") < 0 ||
        H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &at) < 0) {
        return at.status != HM_OK ? at.status
                                  : hm_h5_fail(walk->err, HM_EDATA,
                                               "the attributes of %s cannot be read", walk->path);
    }
    return HM_OK;
}

/* --- datasets --------------------------------------------------------------------------------- */

/** Numbers in two dimensions: worth compressing, by all ranks. */
static bool is_field(hid_t dataset) {
    hsize_t shape[DIMENSIONS] = {0};
    hid_t type = H5Dget_type(dataset);
    hid_t space = H5Dget_space(dataset);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    const bool is = (class == H5T_INTEGER || class == H5T_FLOAT) && space >= 0 &&
                    H5Sget_simple_extent_ndims(space) == 2 &&
                    H5Sget_simple_extent_dims(space, shape, NULL) == 2 && shape[0] > 0 &&
                    shape[1] > 0;
    hm_h5_close(&space);
    hm_h5_close(&type);
    return is;
}

/** The same numbers in compressed chunks, without values. */
static hm_status_t make_field(const walk_t *walk, hid_t old, const char *name) {
    hm_status_t status = HM_OK;
    hsize_t shape[2] = {0, 0};
    hid_t new = H5I_INVALID_HID;
    hid_t type = H5Dget_type(old);
    hid_t space = H5Dget_space(old);
    hid_t properties = H5Dget_create_plist(old);
    if (type < 0 || properties < 0 || H5Sget_simple_extent_dims(space, shape, NULL) != 2) {
        HM_TRY(hm_h5_fail(walk->err, HM_EDATA, "%s cannot be read", walk->path));
    }
    const hm_chunks_t chunks =
        hm_chunks_for((int64_t)shape[0], (int64_t)shape[1], H5Tget_size(type), walk->level);
    if (H5Premove_filter(properties, H5Z_FILTER_ALL) >= 0 &&
        H5Pset_chunk(properties, 2, chunks.shape) >= 0 && H5Pset_shuffle(properties) >= 0 &&
        H5Pset_deflate(properties, chunks.level) >= 0 &&
        H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR) >= 0 &&
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER) >= 0) {
        new = H5Dcreate2(walk->to, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    }
    if (new < 0) {
        HM_TRY(hm_h5_fail(walk->err, HM_ECREATE, "cannot make %s", walk->path));
    }
    HM_TRY(add_path(walk->empty, walk->path, walk->err));
cleanup:
    hm_h5_close(&new);
    hm_h5_close(&properties);
    hm_h5_close(&space);
    hm_h5_close(&type);
    return status;
}

/** An object that has no parts, without attributes. */
static hm_status_t copy_object(const walk_t *walk, const char *name) {
    hm_status_t status = HM_OK;
    hid_t properties = H5Pcreate(H5P_OBJECT_COPY);
    if (properties < 0 || H5Pset_copy_object(properties, H5O_COPY_WITHOUT_ATTR_FLAG) < 0 ||
        H5Ocopy(walk->from, name, walk->to, name, properties, H5P_DEFAULT) < 0) {
        status = hm_h5_fail(walk->err, HM_ECREATE, "cannot copy %s", walk->path);
    }
    hm_h5_close(&properties);
    return status;
}

/** Is a dimension scale: its copy becomes one. */
static hm_status_t make_scale(const walk_t *walk, hid_t old, hid_t new) {
    char label[LONGEST] = "";
    if (H5DSis_scale(old) <= 0) {
        return HM_OK;
    }
    if (H5DSget_scale_name(old, label, sizeof label) < 0 || H5DSset_scale(new, label) < 0) {
        return hm_h5_fail(walk->err, HM_ECREATE, "cannot make %s a dimension scale", walk->path);
    }
    return HM_OK;
}

/** Attaches the dataset of the same path to *context, of the copy; one without a path to none. */
static herr_t attach(hid_t old, unsigned dimension, hid_t scale, void *context) {
    const hid_t *new = context;
    char path[LONGEST] = "";
    hm_status_t status = HM_OK;
    hid_t there = H5I_INVALID_HID;
    (void)old;
    if (H5Iget_name(scale, path, sizeof path) > 0 &&
        (there = H5Dopen2(*new, path, H5P_DEFAULT)) >= 0) {
        status = hm_build_attach(*new, there, dimension, NULL);
    }
    hm_h5_close(&there);
    return go_on(status);
}

/** The scales of a dataset that has been copied without. */
static hm_status_t attach_scales(const walk_t *walk, hid_t old, hid_t new) {
    hid_t space = H5Dget_space(old);
    const int dimensions = space < 0 ? 0 : H5Sget_simple_extent_ndims(space);
    hm_status_t status = HM_OK;
    hm_h5_close(&space);
    if (H5Aexists(old, "DIMENSION_LIST") <= 0 || H5Aexists(new, "DIMENSION_LIST") > 0) {
        return HM_OK;
    }
    for (int d = 0; d < dimensions && status == HM_OK; ++d) {
        if (H5DSget_num_scales(old, (unsigned)d) > 0 &&
            H5DSiterate_scales(old, (unsigned)d, NULL, attach, &new) < 0) {
            status =
                hm_h5_fail(walk->err, HM_ECREATE, "cannot attach the scales of %s", walk->path);
        }
    }
    return status;
}

/* --- the walk --------------------------------------------------------------------------------- */

static hm_status_t walk_group(const walk_t *walk);

/** A link that says where to look: the copy looks there too. */
static hm_status_t copy_link(const walk_t *walk, const char *name, const H5L_info_t *info) {
    hm_status_t status = HM_OK;
    const char *file = NULL;
    const char *object = NULL;
    unsigned flags = 0;
    char *value = calloc(1, info->u.val_size + 1);
    if (!value) {
        return hm_error_set(walk->err, HM_EMISSING, "out of memory for %s", walk->path);
    }
    bool good = H5Lget_val(walk->from, name, value, info->u.val_size, H5P_DEFAULT) >= 0;
    if (good && info->type == H5L_TYPE_SOFT) {
        good = H5Lcreate_soft(value, walk->to, name, H5P_DEFAULT, H5P_DEFAULT) >= 0;
    } else if (good && info->type == H5L_TYPE_EXTERNAL) {
        good = H5Lunpack_elink_val(value, info->u.val_size, &flags, &file, &object) >= 0 &&
               H5Lcreate_external(file, object, walk->to, name, H5P_DEFAULT, H5P_DEFAULT) >= 0;
    }
    if (!good) {
        status = hm_h5_fail(walk->err, HM_ECREATE, "cannot copy the link %s", walk->path);
    }
    free(value);
    return status;
}

/** Makes what is not there yet. */
static hm_status_t make_object(const walk_t *walk, hid_t old, const char *name) {
    switch (H5Iget_type(old)) {
    case H5I_GROUP: {
        hid_t made = H5Gcreate2(walk->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (made < 0) {
            return hm_h5_fail(walk->err, HM_ECREATE, "cannot make %s", walk->path);
        }
        hm_h5_close(&made);
        return HM_OK;
    }
    case H5I_DATASET:
        return is_field(old) ? make_field(walk, old, name) : copy_object(walk, name);
    default:
        return copy_object(walk, name);
    }
}

static hm_status_t walk_object(const walk_t *walk, const char *name) {
    hm_status_t status = HM_OK;
    hid_t new = H5I_INVALID_HID;
    hid_t old = H5Oopen(walk->from, name, H5P_DEFAULT);
    if (old < 0) {
        HM_TRY(hm_h5_fail(walk->err, HM_EDATA, "%s cannot be opened", walk->path));
    }
    const bool is_new = H5Lexists(walk->to, name, H5P_DEFAULT) <= 0;
    if (is_new) {
        HM_TRY(make_object(walk, old, name));
    }
    new = H5Oopen(walk->to, name, H5P_DEFAULT);
    if (new < 0 || H5Iget_type(new) != H5Iget_type(old)) {
        HM_TRY(hm_h5_fail(walk->err, HM_EDATA, "%s is not what it should be", walk->path));
    }
    const bool is_dataset = H5Iget_type(old) == H5I_DATASET;
    if (walk->scales && is_dataset) {
        HM_TRY(attach_scales(walk, old, new));
    } else if (!walk->scales && is_dataset && is_new) {
        HM_TRY(make_scale(walk, old, new));
    }
    if (H5Iget_type(old) == H5I_GROUP) {
        walk_t below = *walk;
        below.from = old;
        below.to = new;
        below.depth = walk->depth + 1;
        HM_TRY(walk_group(&below));
    } else if (!walk->scales) {
        HM_TRY(copy_attributes(walk, old, new));
    }
cleanup:
    hm_h5_close(&new);
    hm_h5_close(&old);
    return status;
}

static herr_t walk_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    walk_t *walk = context;
    char path[LONGEST];
    walk_t at = *walk;
    hm_status_t status = HM_OK;
    (void)group;
    at.path = path;
    if (strlen(walk->path) + strlen(name) + 2 > sizeof path || walk->depth > DEEPEST) {
        HM_TRY(hm_error_set(walk->err, HM_EDATA, "its groups are too deep to be copied"));
    }
    snprintf(path, sizeof path, "%s/%s", walk->path, name);
    if (strcmp(path, "/run/seal") == 0) {
        goto cleanup;
    }
    if (info->type == H5L_TYPE_HARD) {
        HM_TRY(walk_object(&at, name));
    } else if (!walk->scales && H5Lexists(walk->to, name, H5P_DEFAULT) <= 0) {
        HM_TRY(copy_link(&at, name, info));
    }
cleanup:
    walk->status = status;
    return go_on(status);
}

static hm_status_t walk_group(const walk_t *walk) {
    walk_t at = *walk;
    if (!walk->scales) {
        const hm_status_t copied = copy_attributes(walk, walk->from, walk->to);
        if (copied != HM_OK) {
            return copied;
        }
    }
    if (H5Literate(walk->from, H5_INDEX_NAME, H5_ITER_INC, NULL, walk_link, &at) < 0) {
        return at.status != HM_OK
                   ? at.status
                   : hm_h5_fail(walk->err, HM_EDATA, "%s cannot be read", walk->path);
    }
    return HM_OK;
}

hm_status_t hm_extras_copy(hid_t from, hid_t to, unsigned level, hm_paths_t *empty,
                           hm_error_t *err) {
    walk_t walk = {.path = "", .level = level, .empty = empty, .err = err};
    hm_status_t status = HM_OK;
    walk.from = H5Gopen2(from, "/", H5P_DEFAULT);
    walk.to = H5Gopen2(to, "/", H5P_DEFAULT);
    if (walk.from < 0 || walk.to < 0) {
        HM_TRY(hm_h5_fail(err, HM_EDATA, "its root cannot be opened"));
    }
    HM_TRY(walk_group(&walk));
    walk.scales = true;
    HM_TRY(walk_group(&walk));
cleanup:
    hm_h5_close(&walk.to);
    hm_h5_close(&walk.from);
    return status;
}
